// SPDX-License-Identifier: GPL-2.0-or-later
// What `systole mysql create` and `join` write into the cluster's configuration, and what they read there. Pure.
//
// The clone may run only on nodes that a rule names: a node that comes later, with whatever its packages have put into
// its datadir, gets no instance until `systole mysql join` has copied the primary to it and added its name. Nor is it
// looked at before (resource-discovery): a server that runs there by itself would be stopped for being in a wrong
// place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace systole::tools {

/// The ids of one database's parts.
struct SetupNames {
  std::string resource;
  std::string clone() const { return resource + "-clone"; }
  std::string vip() const { return resource + "-vip"; }
  std::string rule() const { return resource + "-databases-rule"; }
  std::string expression(std::string_view node) const;
  std::string address_attribute() const { return resource + "_mysql_master_IP"; }
  std::string credentials_file() const { return "/etc/systole/mysql-" + resource + ".cnf"; }
};

/// A letter, then letters, digits, "-", "_" and "."; at most 40 bytes. It becomes a part of ids and file names.
bool is_database_name(std::string_view text);

/// ADDRESS[/PREFIX] and an interface.
struct WantedAddress {
  std::string ip = {};
  std::optional<unsigned> prefix = {};  // nullopt: that of the interface's network
  std::string nic = {};                 // "": where the network is
  bool operator==(const WantedAddress&) const = default;
};
/// nullopt: it is no address, or the prefix is out of its range.
std::optional<WantedAddress> parse_wanted_address(std::string_view text);

/// <configuration> with nothing in it but the database, for one node so far, and the address.
/// extra_port: for replicas alone; 0: none.
std::string setup_xml(const SetupNames& names, std::string_view node, const std::optional<WantedAddress>& address,
                      unsigned extra_port);
/// <configuration> with what one more node changes: the clone may run there, and has so many instances.
std::string joined_xml(const SetupNames& names, std::string_view node, std::size_t instances);
/// The same of a node that leaves: only the number. Its place in the rule goes by names.expression().
std::string instances_xml(const SetupNames& names, std::size_t instances);
/// An XPath of all that setup_xml made: it goes in one step, or an address without its constraints would start
/// somewhere.
std::string setup_xpath(const SetupNames& names, bool with_address);

/// The configuration as far as it matters here.
struct CibFacts {
  std::vector<std::string> nodes = {};            // unames
  std::vector<std::string> ids = {};              // server ids of the nodes, parallel
  bool resource = false;                          // ours is there: ocf:systole:mysql with our file of credentials
  std::vector<std::string> databases = {};        // nodes that the rule names
  std::vector<std::string> taken = {};            // ids that we would need and that are used otherwise
  bool fencing_expected = true, fencing = false;  // stonith-enabled; there is a device
  bool operator==(const CibFacts&) const = default;
};
CibFacts read_cib(std::string_view cib, const SetupNames& names);

/// What an agent said of its last failure, by the history in the CIB.
struct SetupFailure {
  std::string operation, reason;
  bool fatal = false;  // it is not tried again by itself
  bool operator==(const SetupFailure&) const = default;
};
std::vector<SetupFailure> failures_of(std::string_view cib, const SetupNames& names);

}  // namespace systole::tools
