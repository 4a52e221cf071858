// TOML as JSON: task files are read with the accessors, and the places in errors, of JsonField.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>

namespace toptheta {

// Throws InputError, naming file and line, if the file cannot be read or is not TOML, and for dates and
// times, which no task file has.
nlohmann::json read_toml_as_json(const std::filesystem::path& path);

}  // namespace toptheta
