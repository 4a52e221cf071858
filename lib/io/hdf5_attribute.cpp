#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_type.hpp"
#include "io/hdf5_values.hpp"
#include "io/text_file.hpp"

namespace toptheta::hdf5 {

namespace {

std::string quoted(const std::string& name) {
  return "attribute '" + name + "'";
}

std::string_view name_of(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::integer:
      return "an integer";
    case AttributeKind::real:
      return "a float";
    case AttributeKind::text:
      return "a string";
    case AttributeKind::enumeration:
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
                    .found = std::string(name_of(attribute.kind))});
}

void require_read(const Attribute& attribute, const std::string& name, const std::string& where) {
  if (attribute.is_read) return;
  throw InputError({.where = where,
                    .what = "cannot read " + quoted(name) + ": the HDF5 library could not, or it is too long",
                    .next = "write it as a number, or as a string of fixed length"});
}

// By the library itself: in files that this process wrote or holds in memory, and in live ones.
std::optional<Attribute> read_here(std::int64_t object, const std::string& name, const std::string& where) {
  constexpr std::int64_t kLongest = std::int64_t{1} << 26;
  const htri_t found = H5Aexists(object, name.c_str());
  if (found < 0) fail_reading(where, "cannot look up " + quoted(name));
  if (found == 0) return std::nullopt;
  std::int64_t left = kLongest;
  return read_attribute(object, name, left);
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

// From the child process that walked the file; from the library where there was none, and where a live file's
// writer may have added the attribute since.
std::optional<Attribute> Object::find_attribute(const std::string& name) const {
  if (file_->values == nullptr) return read_here(id(), name, where());
  H5O_info_t info{};
  if (H5Oget_info2(id(), &info, H5O_INFO_BASIC) < 0) fail_reading(where(), "cannot look up " + quoted(name));
  if (const Attribute* const found = file_->values->find(info.addr, name)) return *found;
  return file_->live ? read_here(id(), name, where()) : std::nullopt;
}

Attribute Object::attribute(const std::string& name) const {
  std::optional<Attribute> found = find_attribute(name);
  if (!found) throw InputError({.where = where(), .what = quoted(name) + " is missing"});
  if (found->kind == AttributeKind::unreadable) require_read(*found, name, where());
  return std::move(*found);
}

bool Object::has_attribute(const std::string& name) const {
  return find_attribute(name).has_value();
}

std::int64_t Object::int_attribute(const std::string& name) const {
  const Attribute found = attribute(name);
  require_one(found, name, where());
  if (found.kind != AttributeKind::integer) fail_kind(found, name, where(), "an integer");
  require_read(found, name, where());
  return found.integer;
}

double Object::float_attribute(const std::string& name) const {
  const Attribute found = attribute(name);
  require_one(found, name, where());
  if (found.kind != AttributeKind::real && found.kind != AttributeKind::integer)
    fail_kind(found, name, where(), "a number");
  require_read(found, name, where());
  return found.number;
}

std::vector<std::string> Object::texts(const std::string& name, bool one) const {
  Attribute found = attribute(name);
  if (one) require_one(found, name, where());
  if (!one && found.rank != 1)
    throw InputError({.where = where(), .what = quoted(name) + " must be a list of strings"});
  if (found.kind != AttributeKind::text) fail_kind(found, name, where(), "a string");
  require_read(found, name, where());
  for (const std::string& text : found.texts)
    if (!is_utf8(text)) throw InputError({.where = where(), .what = quoted(name) + " is not UTF-8"});
  return std::move(found.texts);
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
