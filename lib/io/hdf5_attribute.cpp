#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_type.hpp"
#include "io/hdf5_values.hpp"
#include "io/text_file.hpp"

namespace toptheta::hdf5 {

namespace {

struct Attribute {
  Handle handle;
  Handle type;
  std::int64_t elements = 0;
  int rank = 0;
};

std::string quoted(const std::string& name) {
  return "attribute '" + name + "'";
}

Attribute open_attribute(std::int64_t object, const std::string& name, const std::string& where) {
  const htri_t found = H5Aexists(object, name.c_str());
  if (found < 0) fail_reading(where, "cannot look up " + quoted(name));
  if (found == 0) throw InputError({.where = where, .what = quoted(name) + " is missing"});
  const std::string unreadable = "cannot open " + quoted(name);
  Attribute attribute;
  attribute.handle = check_reading(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, where, unreadable);
  attribute.type = check_reading(H5Aget_type(attribute.handle.id()), H5Tclose, where, unreadable);
  const Handle space = check_reading(H5Aget_space(attribute.handle.id()), H5Sclose, where, unreadable);
  attribute.elements = H5Sget_simple_extent_npoints(space.id());
  attribute.rank = H5Sget_simple_extent_ndims(space.id());
  return attribute;
}

std::string_view kind_of(const Attribute& attribute) {
  switch (H5Tget_class(attribute.type.id())) {
    case H5T_INTEGER:
      return "an integer";
    case H5T_FLOAT:
      return "a float";
    case H5T_STRING:
      return "a string";
    case H5T_ENUM:
      return "an enumeration or truth value";
    default:
      return "a value of another kind";
  }
}

void require_one(const Attribute& attribute, const std::string& name, const std::string& where) {
  if (attribute.elements == 1) return;
  throw InputError({.where = where,
                    .what = quoted(name) + " must hold one value",
                    .found = fmt::format("{} values", attribute.elements)});
}

[[noreturn]] void fail_kind(const Attribute& attribute, const std::string& name, const std::string& where,
                            std::string_view expected) {
  throw InputError({.where = where,
                    .what = quoted(name) + " has the wrong type",
                    .expected = std::string(expected),
                    .found = std::string(kind_of(attribute))});
}

// The text of a fixed-length string without its padding.
std::string unpadded(std::string_view bytes, H5T_str_t padding) {
  bytes = bytes.substr(0, bytes.find('\0'));
  if (padding == H5T_STR_SPACEPAD) {
    const std::size_t last = bytes.find_last_not_of(' ');
    bytes = bytes.substr(0, last == std::string_view::npos ? 0 : last + 1);
  }
  return std::string(bytes);
}

// By the library itself: in files that this process wrote or holds in memory, and in live ones.
std::vector<std::string> read_variable_texts(const Attribute& attribute, const std::string& where,
                                             const std::string& what) {
  std::vector<char*> pointers(static_cast<std::size_t>(attribute.elements), nullptr);
  if (H5Aread(attribute.handle.id(), attribute.type.id(), pointers.data()) < 0) fail_reading(where, what);
  std::vector<std::string> texts;
  for (char* pointer : pointers) {
    texts.emplace_back(pointer == nullptr ? "" : pointer);
    H5free_memory(pointer);
  }
  return texts;
}

// The bytes of texts of fixed length, with their padding; by the library itself, likewise.
std::vector<std::string> read_fixed_texts(const Attribute& attribute, const std::string& where,
                                          const std::string& what) {
  // A damaged file can claim any length. No real text here comes near this one.
  constexpr std::size_t kLongest = std::size_t{1} << 24;
  const std::size_t length = H5Tget_size(attribute.type.id());
  const auto count = static_cast<std::size_t>(attribute.elements);
  if (length == 0 || length > kLongest / std::max<std::size_t>(count, 1))
    throw InputError({.where = where,
                      .what = what + ": impossible length",
                      .found = fmt::format("{} strings of {} bytes", count, length)});
  std::string bytes(length * count, '\0');
  if (H5Aread(attribute.handle.id(), attribute.type.id(), bytes.data()) < 0) fail_reading(where, what);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i)
    texts.push_back(bytes.substr(i * length, length));
  return texts;
}

std::int64_t int_of(const std::vector<std::string>& value) {
  std::int64_t number = 0;
  std::memcpy(&number, value.at(0).data(), sizeof number);
  return number;
}
double float_of(const std::vector<std::string>& value) {
  double number = 0;
  std::memcpy(&number, value.at(1).data(), sizeof number);
  return number;
}

// Texts of up to this size are stored inside the attribute, which can hold 64 KiB. Longer ones go into HDF5's
// global heap, and the library trusts a damaged heap blindly.
constexpr std::size_t kInlineBytes = std::size_t{32} << 10;

// A UTF-8 string type of this length; of variable length where `bytes` is H5T_VARIABLE.
Handle text_type(std::size_t bytes) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.id(), bytes);
  H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

void write_attribute_as(std::int64_t object, const std::string& where, const std::string& name,
                        std::int64_t file_type_id, std::int64_t memory_type, std::int64_t space,
                        const void* value) {
  const std::string what = "cannot write " + quoted(name);
  const Handle attribute = check_writing(
      H5Acreate2(object, name.c_str(), file_type_id, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, where, what);
  if (H5Awrite(attribute.id(), memory_type, value) < 0) fail_writing(where, what);
}

void write_texts(std::int64_t object, const std::string& where, const std::string& name, std::int64_t space,
                 const std::vector<std::string>& values) {
  std::size_t longest = 1;  // the library has no strings of length 0
  for (const std::string& value : values)
    longest = std::max(longest, value.size());
  if (longest * values.size() <= kInlineBytes) {
    std::string bytes(longest * std::max<std::size_t>(values.size(), 1), '\0');
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i].copy(bytes.data() + i * longest, longest);
    const Handle type = text_type(longest);
    write_attribute_as(object, where, name, type.id(), type.id(), space, bytes.data());
    return;
  }
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const std::string& value : values)
    pointers.push_back(value.c_str());
  const Handle type = text_type(H5T_VARIABLE);
  write_attribute_as(object, where, name, type.id(), type.id(), space,
                     static_cast<const void*>(pointers.data()));
}

}  // namespace

std::string Object::where() const {
  return file_->name + ":" + path_;
}

std::string Object::child_path(const std::string& name) const {
  return path_ == "/" ? "/" + name : path_ + "/" + name;
}

bool Object::has_attribute(const std::string& name) const {
  const htri_t found = H5Aexists(id(), name.c_str());
  if (found < 0) fail_reading(where(), "cannot look up " + quoted(name));
  return found > 0;
}

std::int64_t Object::int_attribute(const std::string& name) const {
  const Attribute attribute = open_attribute(id(), name, where());
  require_one(attribute, name, where());
  if (H5Tget_class(attribute.type.id()) != H5T_INTEGER) fail_kind(attribute, name, where(), "an integer");
  if (const auto* const sent = sent_value(name)) return int_of(*sent);
  std::int64_t value = 0;
  if (H5Aread(attribute.handle.id(), H5T_NATIVE_INT64, &value) < 0)
    fail_reading(where(), "cannot read " + quoted(name));
  return value;
}

double Object::float_attribute(const std::string& name) const {
  const Attribute attribute = open_attribute(id(), name, where());
  require_one(attribute, name, where());
  const H5T_class_t kind = H5Tget_class(attribute.type.id());
  if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail_kind(attribute, name, where(), "a number");
  if (const auto* const sent = sent_value(name)) return float_of(*sent);
  double value = 0;
  if (H5Aread(attribute.handle.id(), H5T_NATIVE_DOUBLE, &value) < 0)
    fail_reading(where(), "cannot read " + quoted(name));
  return value;
}

// What the child process read of an attribute that exists; null where this process has to read it itself.
const std::vector<std::string>* Object::sent_value(const std::string& name) const {
  if (file_->values == nullptr) return nullptr;
  const std::string what = "cannot read " + quoted(name);
  H5O_info_t info{};
  if (H5Oget_info2(id(), &info, H5O_INFO_BASIC) < 0) fail_reading(where(), what);
  const std::vector<std::string>* const found = file_->values->find(info.addr, name);
  if (found == nullptr && !file_->live)
    throw InputError({.where = where(),
                      .what = what + ": the HDF5 library could not, or it is too long",
                      .next = "write it as a number, or as a string of fixed length"});
  return found;
}

std::vector<std::string> Object::texts(const std::string& name, bool one) const {
  const Attribute attribute = open_attribute(id(), name, where());
  if (one) require_one(attribute, name, where());
  if (!one && attribute.rank != 1)
    throw InputError({.where = where(), .what = quoted(name) + " must be a list of strings"});
  if (H5Tget_class(attribute.type.id()) != H5T_STRING) fail_kind(attribute, name, where(), "a string");
  if (attribute.elements == 0) return {};
  const std::string what = "cannot read " + quoted(name);
  const bool is_variable = H5Tis_variable_str(attribute.type.id()) > 0;
  const std::vector<std::string>* const sent = sent_value(name);
  std::vector<std::string> texts = sent != nullptr ? *sent
                                   : is_variable   ? read_variable_texts(attribute, where(), what)
                                                   : read_fixed_texts(attribute, where(), what);
  for (std::string& text : texts) {
    if (!is_variable) text = unpadded(text, H5Tget_strpad(attribute.type.id()));
    if (!is_utf8(text)) throw InputError({.where = where(), .what = quoted(name) + " is not UTF-8"});
  }
  return texts;
}

std::string Object::text_attribute(const std::string& name) const {
  return texts(name, true).front();
}

std::vector<std::string> Object::texts_attribute(const std::string& name) const {
  return texts(name, false);
}

void Object::write_attribute(const std::string& name, std::int64_t value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  write_attribute_as(id(), where(), name, H5T_STD_I64LE, H5T_NATIVE_INT64, space.id(), &value);
}

void Object::write_attribute(const std::string& name, double value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  write_attribute_as(id(), where(), name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space.id(), &value);
}

void Object::write_attribute(const std::string& name, std::string_view value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  write_texts(id(), where(), name, space.id(), {std::string(value)});
}

void Object::write_attribute(const std::string& name, const std::vector<std::string>& values) {
  const hsize_t count = values.size();
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  write_texts(id(), where(), name, space.id(), values);
}

}  // namespace toptheta::hdf5
