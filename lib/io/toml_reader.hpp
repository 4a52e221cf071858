// TOML files, parsed by toml++ and read through the accessors of JSON values, with places in errors as there.
//
// A place is "FILE:line 12:run.k". Tables are objects and arrays are lists. Dates, times, infinities and NaN
// are refused, because nothing here reads them.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "io/json_reader.hpp"

namespace toptheta {

inline constexpr JsonLimits kTomlLimits = {.depth = 32, .bytes = std::size_t{16} << 20U};

// `source` is the file's name. Throws InputError, with the line, where `text` is not TOML (a repeated key is
// not), is not UTF-8 or exceeds a limit.
JsonValue parse_toml(std::string_view text, const std::string& source,
                     const JsonLimits& limits = kTomlLimits);

// The same for a whole file; a byte order mark at its start is accepted. Also throws where the file cannot be
// read.
JsonValue read_toml_file(const std::filesystem::path& path, const JsonLimits& limits = kTomlLimits);

}  // namespace toptheta
