// The report for machines: everything, under the versioned schema of docs/formats.md ("Results").
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "eval/result.hpp"

namespace toptheta {

inline constexpr const char* kResultSchema = "toptheta.result/1";

// Keys are in the order of the schema. NaN and infinities, which JSON cannot represent, become null.
nlohmann::ordered_json json_of(const Results& results);
nlohmann::ordered_json json_of(const Provenance& provenance);
nlohmann::ordered_json json_number(double value);

// json_of(results), indented by two blanks, ending in a line break.
std::string format_json(const Results& results);
// Indented JSON with lists of plain values on one line, ending in a line break. Bytes that are not UTF-8 (in
// a path, for example) become U+FFFD.
std::string format_json(const nlohmann::ordered_json& value);

}  // namespace toptheta
