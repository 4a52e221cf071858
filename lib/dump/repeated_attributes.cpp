#include "dump/repeated_attributes.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/error.hpp"

namespace toptheta {

namespace {

[[noreturn]] void fail_repeated(const hdf5::Object& object, const char* name, std::string expected,
                                std::string found) {
  throw InputError(
      {.where = object.where(),
       .what = fmt::format("attribute '{}' contradicts the dump's own, which counts for all of it", name),
       .expected = std::move(expected),
       .found = std::move(found),
       .next = "put what has another value into a dump of its own, or take the attribute out"});
}

void require_text(const hdf5::Object& object, const char* name, std::string_view said) {
  if (!object.has_attribute(name)) return;
  if (const std::string text = object.text_attribute(name); text != said)
    fail_repeated(object, name, std::string(said), text);
}

void require_number(const hdf5::Object& object, const char* name, std::int64_t said) {
  if (!object.has_attribute(name)) return;
  if (const std::int64_t value = object.int_attribute(name); value != said)
    fail_repeated(object, name, fmt::format("{}", said), fmt::format("{}", value));
}

}  // namespace

void require_agreement(const hdf5::Object& object, const DumpHeader& header) {
  require_text(object, "content", name_of(header.content));
  require_number(object, "num_layers", header.shape.num_layers);
  require_number(object, "num_heads", header.shape.num_heads);
  require_number(object, "num_kv_heads", header.shape.num_kv_heads);
  require_number(object, "head_dim", header.shape.head_dim);
  if (header.content == DumpContent::scores)
    return require_text(object, "placement", name_of(header.placement));
  // The scale of scores has been applied.
  if (!object.has_attribute("scale")) return;
  // Written in fewer bits it is the same one.
  const double scale = object.float_attribute("scale");
  if (static_cast<float>(scale) != static_cast<float>(header.scale))
    fail_repeated(object, "scale", fmt::format("{}", header.scale), fmt::format("{}", scale));
}

}  // namespace toptheta
