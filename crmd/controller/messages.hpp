// SPDX-License-Identifier: GPL-2.0-or-later
// What the cores of two nodes say to each other over membership's ordered streams. Every message from a leader carries
// its term; a receiver that is in another term drops it, so that no order of an older leader is ever obeyed.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "cib/model/status.hpp"
#include "common/base/term.hpp"
#include "common/wire/ipc.hpp"
#include "crmd/attributes/attributes.hpp"
#include "crmd/executor/executor.hpp"
#include "crmd/replica/replica.hpp"

namespace systole::controller {

/// Leader → member: tell me what runs on you.
struct JoinOffer {
  Term term;
  std::uint64_t number = 0;  // the answer names it: an answer to an earlier offer may tell of what is no more
  template <class Archive>
  void fields(Archive& a) {
    a(term)(number);
  }
};

/// Member → leader: what this node did and is doing. The node is the authority on all of it. It comes as the answer to
/// an offer, and again when the node had to drop all that it ran, because its lease was over.
struct JoinRequest {
  Term term;
  std::uint64_t offer = 0;
  std::map<ResourceId, cib::ResourceHistory> history;
  attributes::OfNode attributes;
  std::vector<std::uint64_t> in_flight;  // orders of an earlier leader whose results are still to come
  bool leaving = false;                  // it is shutting down
  template <class Archive>
  void fields(Archive& a) {
    a(term)(offer)(history)(attributes)(in_flight)(leaving);
  }
};

/// Leader → member: you are in, and this is all that is known.
struct Welcome {
  Term term;
  cib::Status status;
  attributes::Memory memory;
  std::int64_t num_updates = 0;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(status)(memory)(num_updates);
  }
};

struct OrderTo {  // leader → member
  Term term;
  executor::Order order;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(order);
  }
};

struct ResultOf {  // member → leader
  executor::Report report;
  template <class Archive>
  void fields(Archive& a) {
    a(report);
  }
};

// ---- changes of the status, leader → all members, in order
struct NodeChanged {
  NodeName node;
  std::string id;
  bool member = false, online = false;
  std::string join, expected;
  template <class Archive>
  void fields(Archive& a) {
    a(node)(id)(member)(online)(join)(expected);
  }
};
struct NodeJoined {  // its history and attributes as it told them
  NodeName node;
  std::map<ResourceId, cib::ResourceHistory> history;
  attributes::OfNode attributes;
  template <class Archive>
  void fields(Archive& a) {
    a(node)(history)(attributes);
  }
};
struct NodeGone {  // its attributes end with its membership
  NodeName node;
  template <class Archive>
  void fields(Archive& a) {
    a(node);
  }
};
struct HistoryAdded {
  NodeName node;
  executor::Report report;
  template <class Archive>
  void fields(Archive& a) {
    a(node)(report);
  }
};
struct HistoryForgotten {
  NodeName node;
  ResourceId resource;
  bool failures_only = false;
  template <class Archive>
  void fields(Archive& a) {
    a(node)(resource)(failures_only);
  }
};
struct AttributeChanged {  // in memory; value is absolute
  attributes::Change change;
  template <class Archive>
  void fields(Archive& a) {
    a(change);
  }
};
struct AttributeWritten {  // memory's value becomes part of the status
  NodeName node;
  std::string name;
  template <class Archive>
  void fields(Archive& a) {
    a(node)(name);
  }
};
struct Progress {  // for people who ask any node
  bool settled = false;
  std::vector<std::string> under_way, problems;
  bool operator==(const Progress&) const = default;
  template <class Archive>
  void fields(Archive& a) {
    a(settled)(under_way)(problems);
  }
};
using Update = std::variant<NodeChanged, NodeJoined, NodeGone, HistoryAdded, HistoryForgotten, AttributeChanged,
                            AttributeWritten, Progress>;

struct Updates {
  Term term;
  std::vector<Update> list;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(list);
  }
};

struct AttributesWanted {  // member → leader
  std::vector<attributes::Change> changes;
  template <class Archive>
  void fields(Archive& a) {
    a(changes);
  }
};

struct Forget {  // leader → member: drop this history, so that the resource is probed again
  Term term;
  ResourceId resource;
  bool failures_only = false;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(resource)(failures_only);
  }
};

/// Leader → member: others will run what runs on you. It lets go of all at once and waits for the next offer.
struct Expelled {
  Term term;
  std::string reason;
  template <class Archive>
  void fields(Archive& a) {
    a(term)(reason);
  }
};

/// Member → every other one: this daemon begins again; hold me for longer than a silence allows. Whoever is asked
/// for a vote meanwhile must know of it.
struct HoldMe {
  std::uint64_t number = 0;
  template <class Archive>
  void fields(Archive& a) {
    a(number);
  }
};
struct Holding {  // the answer: done, in this term
  std::uint64_t number = 0;
  Term term;
  template <class Archive>
  void fields(Archive& a) {
    a(number)(term);
  }
};

struct Forward {  // member → leader: a tool's request
  std::uint64_t id = 0;
  wire::ipc::Request request;
  std::string user;
  template <class Archive>
  void fields(Archive& a) {
    a(id)(request)(user);
  }
};
struct Forwarded {  // leader → member: its reply
  std::uint64_t id = 0;
  wire::ipc::Reply reply;
  template <class Archive>
  void fields(Archive& a) {
    a(id)(reply);
  }
};

struct Leaving {  // member → leader: shutting down, please free me of resources
  template <class Archive>
  void fields(Archive&) {}
};
struct MayLeave {  // leader → member: nothing runs on you any more
  Term term;
  template <class Archive>
  void fields(Archive& a) {
    a(term);
  }
};

using Message = std::variant<JoinOffer, JoinRequest, Welcome, OrderTo, ResultOf, Updates, AttributesWanted, Forget,
                             Forward, Forwarded, Leaving, MayLeave, Expelled, replica::Message, HoldMe, Holding>;

/// What every node holds of the cluster's state, changed only by Updates (and Welcome).
struct Known {
  cib::Status status;
  attributes::Attributes attributes;
  std::int64_t num_updates = 0;
  Progress progress;
};
void learn(Known& known, const Update& update);

}  // namespace systole::controller
