#include <hdf5.h>

#include <algorithm>
#include <cstring>

#include "io/hdf5.hpp"
#include "io/hdf5_values.hpp"

namespace toptheta::hdf5 {

namespace {

AttributeKind kind_of(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return AttributeKind::integer;
    case H5T_FLOAT:
      return AttributeKind::real;
    case H5T_STRING:
      return AttributeKind::text;
    case H5T_ENUM:
      return AttributeKind::enumeration;
    default:
      return AttributeKind::other;
  }
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

// Takes `count` elements of `size` bytes from what is left; false where that is not enough.
bool take(std::int64_t& left, std::int64_t count, std::size_t size) {
  if (count < 0 || size == 0 || size > static_cast<std::size_t>(std::max<std::int64_t>(left, 0)))
    return false;
  const auto bytes = static_cast<std::int64_t>(size);
  if (count > left / bytes) return false;
  left -= count * bytes;
  return true;
}

bool read_variable_texts(hid_t handle, hid_t type, hid_t space, std::int64_t& left, Attribute& attribute) {
  if (!take(left, attribute.elements, sizeof(char*))) return false;
  std::vector<char*> pointers(static_cast<std::size_t>(attribute.elements), nullptr);
  if (H5Aread(handle, type, static_cast<void*>(pointers.data())) < 0) return false;
  bool whole = true;
  for (const char* const pointer : pointers) {
    const std::string_view text(pointer == nullptr ? "" : pointer);
    left -= static_cast<std::int64_t>(text.size());
    whole = whole && left >= 0;
    if (whole) attribute.texts.emplace_back(text);
  }
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, static_cast<void*>(pointers.data()));
  return whole;
}

bool read_fixed_texts(hid_t handle, hid_t type, std::int64_t& left, Attribute& attribute) {
  const std::size_t length = H5Tget_size(type);
  if (!take(left, attribute.elements, length)) return false;
  std::string bytes(length * static_cast<std::size_t>(attribute.elements), '\0');
  if (H5Aread(handle, type, bytes.data()) < 0) return false;
  const H5T_str_t padding = H5Tget_strpad(type);
  for (std::size_t at = 0; at < bytes.size(); at += length)
    attribute.texts.push_back(unpadded(std::string_view(bytes).substr(at, length), padding));
  return true;
}

bool read_value(hid_t handle, hid_t type, hid_t space, std::int64_t& left, Attribute& attribute) {
  switch (attribute.kind) {
    case AttributeKind::integer:
      if (attribute.elements != 1) return false;
      return H5Aread(handle, H5T_NATIVE_INT64, &attribute.integer) >= 0 &&
             H5Aread(handle, H5T_NATIVE_DOUBLE, &attribute.number) >= 0;
    case AttributeKind::real:
      return attribute.elements == 1 && H5Aread(handle, H5T_NATIVE_DOUBLE, &attribute.number) >= 0;
    case AttributeKind::text:
      if (attribute.elements == 0) return true;
      return H5Tis_variable_str(type) > 0 ? read_variable_texts(handle, type, space, left, attribute)
                                          : read_fixed_texts(handle, type, left, attribute);
    default:
      return false;
  }
}

}  // namespace

Attribute read_attribute(std::int64_t object, const std::string& name, std::int64_t& left) {
  Attribute attribute;
  const Handle handle(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  if (handle.id() < 0) return attribute;
  const Handle type(H5Aget_type(handle.id()), H5Tclose);
  const Handle space(H5Aget_space(handle.id()), H5Sclose);
  if (type.id() < 0 || space.id() < 0) return attribute;
  attribute.elements = H5Sget_simple_extent_npoints(space.id());
  attribute.rank = H5Sget_simple_extent_ndims(space.id());
  attribute.kind = kind_of(type.id());
  attribute.is_read = read_value(handle.id(), type.id(), space.id(), left, attribute);
  if (!attribute.is_read) attribute.texts.clear();
  return attribute;
}

}  // namespace toptheta::hdf5
