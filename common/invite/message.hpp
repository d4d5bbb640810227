// SPDX-License-Identifier: GPL-2.0-or-later
// What the two sides of an invitation say to each other once they know that both have the token. The guest is the
// machine that joins, the host the one that invited it. They speak in turn:
//
//   guest  Request ──▶        who I am
//          ◀── Offer          the files of the cluster, you among its nodes
//   guest  Prepared ──▶       all of it is on my disk, but not in its place
//          ◀── Committed      I count you in from now on
//   guest  Arrived ──▶        the files are in their place
//
// and either says Refused, with its reason, instead. So no side ever has half of the files: what is lost after Prepared
// leaves at worst a host that lists a node that is not there yet, and a new invitation repeats that to the same end.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace systole::invite {

struct Request {
  std::string program;  // version of the programs: all nodes must run the same
  std::string name;
  std::vector<std::string> addresses;  // IP literals, one per link
  bool operator==(const Request&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(program)(name)(addresses);
  }
};

/// Files as they shall be, whole. first_cib is empty where the host has none.
struct Offer {
  std::string host_name, cluster_conf, keys, first_cib;
  bool operator==(const Offer&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(host_name)(cluster_conf)(keys)(first_cib);
  }
};

struct Refused {
  std::string why;
  bool operator==(const Refused&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(why);
  }
};

struct Prepared {
  bool operator==(const Prepared&) const = default;
  template <class Archive>
  void fields(Archive&) {}
};

struct Committed {
  bool operator==(const Committed&) const = default;
  template <class Archive>
  void fields(Archive&) {}
};

struct Arrived {
  bool operator==(const Arrived&) const = default;
  template <class Archive>
  void fields(Archive&) {}
};

using Message = std::variant<Request, Offer, Refused, Prepared, Committed, Arrived>;

}  // namespace systole::invite
