// SPDX-License-Identifier: GPL-2.0-or-later
// Structs ↔ bytes. A struct names its fields once, in a template member fields(Archive&), and both directions follow
// from it. Integers are little-endian and of fixed width; texts and lists carry a 32-bit length. Reading is total: a
// length beyond the input makes the whole reading fail, never crash, never allocate more than the input could hold. An
// enum may come out with a value that it does not name; whoever switches over it must survive that.
#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace systole::wire {

static_assert(std::endian::native == std::endian::little, "the codec copies integers as they lie in memory");

class Writer {
 public:
  template <class T>
  Writer& operator()(const T& value) {
    put(value);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(T value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void put(const std::string& text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
  }
  template <class R, class P>
  void put(std::chrono::duration<R, P> duration) {
    put(static_cast<std::int64_t>(duration.count()));
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& value) {
    put(value.first);
    put(value.second);
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put_list(list);
  }
  template <class K, class V>
  void put(const std::map<K, V>& list) {
    put_list(list);
  }
  template <class T>
  void put(const std::set<T>& list) {
    put_list(list);
  }
  template <class... T>
  void put(const std::variant<T...>& value) {
    put(static_cast<std::uint8_t>(value.index()));
    std::visit([this](const auto& which) { put(which); }, value);
  }
  template <class T>
  requires requires(T& value, Writer& writer) { value.fields(writer); }
  void put(const T& value) {
    const_cast<T&>(value).fields(*this);  // fields() serves both directions; a Writer only reads
  }
  void put_list(const auto& list) {
    put(static_cast<std::uint32_t>(list.size()));
    for (const auto& item : list) put(item);
  }

  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  Reader& operator()(T& value) {
    if (sound_) get(value);
    return *this;
  }
  /// Everything was there and nothing is left over.
  bool finished() const { return sound_ && rest_.empty(); }
  bool sound() const { return sound_; }

 private:
  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void get(T& value) {
    if (rest_.size() < sizeof value) return fail();
    if constexpr (std::is_same_v<T, bool>) {
      if (rest_.front() != 0 && rest_.front() != 1) return fail();
      value = rest_.front() == 1;
    } else {
      std::memcpy(&value, rest_.data(), sizeof value);
    }
    rest_.remove_prefix(sizeof value);
  }
  void get(std::string& text) {
    std::uint32_t size = 0;
    get(size);
    if (!sound_ || size > rest_.size()) return fail();
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  template <class R, class P>
  void get(std::chrono::duration<R, P>& duration) {
    std::int64_t count = 0;
    get(count);
    duration = std::chrono::duration<R, P>(count);
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool present = false;
    get(present);
    if (!sound_ || !present) return value.reset();
    get(value.emplace());
  }
  template <class A, class B>
  void get(std::pair<A, B>& value) {
    get(value.first);
    if (sound_) get(value.second);
  }
  template <class T>
  void get(std::vector<T>& list) {
    get_list<T>([&](T&& item) { list.push_back(std::move(item)); });
  }
  template <class K, class V>
  void get(std::map<K, V>& list) {
    get_list<std::pair<K, V>>([&](std::pair<K, V>&& item) { list.insert(std::move(item)); });
  }
  template <class T>
  void get(std::set<T>& list) {
    get_list<T>([&](T&& item) { list.insert(std::move(item)); });
  }
  template <class... T>
  void get(std::variant<T...>& value) {
    std::uint8_t index = 0;
    get(index);
    if (!sound_ || !choose(value, index, std::index_sequence_for<T...>{})) fail();
  }
  template <class T>
  requires requires(T& value, Reader& reader) { value.fields(reader); }
  void get(T& value) { value.fields(*this); }

  template <class Variant, std::size_t... indices>
  bool choose(Variant& value, std::size_t index, std::index_sequence<indices...>) {
    return ((index == indices ? (get(value.template emplace<indices>()), true) : false) || ...);
  }
  template <class Item>
  void get_list(auto add) {
    std::uint32_t count = 0;
    get(count);
    for (std::uint32_t i = 0; i < count && sound_; ++i) {
      if (rest_.empty()) return fail();  // every item takes at least a byte: no count can make us allocate for nothing
      Item item{};
      get(item);
      if (sound_) add(std::move(item));
    }
  }
  void fail() { sound_ = false; }

  std::string_view rest_;
  bool sound_ = true;
};

template <class T>
std::string encode(const T& value) {
  Writer writer;
  writer(value);
  return writer.take();
}

/// nullopt: the bytes are no T, or something follows it.
template <class T>
std::optional<T> decode(std::string_view bytes) {
  Reader reader(bytes);
  T value{};
  reader(value);
  if (!reader.finished()) return std::nullopt;
  return value;
}

}  // namespace systole::wire
