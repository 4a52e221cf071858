// Provenance as JSON: {"version", "commit", "command", "seed", "inputs": [{"path", "sha256"}]}, and
// for an input with a fingerprint in place of its digest "fingerprint".
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "core/provenance.hpp"
#include "io/json_reader.hpp"

namespace toptheta {

// Keys in the order above.
nlohmann::ordered_json json_from(const Provenance& provenance);

// Throws InputError with the value's place if a key is missing or holds another type.
Provenance provenance_from(const JsonValue& json);

// JSON as UTF-8 text; bytes that are no UTF-8 (in file names) become U+FFFD.
template <class Json>
std::string dump_json(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace toptheta
