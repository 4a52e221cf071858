// TOML files, read by toml++ and looked at with the accessors, and the places in errors, of JSON.
//
// A place is "FILE:line 12:run.k". Tables are objects and arrays are lists; dates and times, infinities and
// NaN are refused, for nothing here reads them.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "io/json_reader.hpp"

namespace toptheta {

inline constexpr JsonLimits kTomlLimits = {.depth = 32, .bytes = std::size_t{16} << 20U};

// `source` is the file's name. Throws InputError, with the line, for what is no TOML, is not UTF-8, or
// exceeds a limit; keys that appear twice are no TOML.
JsonValue parse_toml(std::string_view text, const std::string& source,
                     const JsonLimits& limits = kTomlLimits);

// A whole file; a byte order mark at its start is accepted. Throws also if the file cannot be read.
JsonValue read_toml_file(const std::filesystem::path& path, const JsonLimits& limits = kTomlLimits);

}  // namespace toptheta
