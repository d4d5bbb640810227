-- Once, in the database that both nodes begin with (an empty one, or a copy of the same data).
CREATE USER replication@'192.0.2.%' IDENTIFIED BY 'change-me';
GRANT REPLICATION SLAVE ON *.* TO replication@'192.0.2.%';
