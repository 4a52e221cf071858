// Provenance as JSON: {"version", "commit", "command", "seed", "inputs": [{"path", "sha256"}]}. An input that
// has a fingerprint instead of a digest of all its bytes also has "fingerprint" (core/provenance.hpp).
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "core/provenance.hpp"
#include "io/json_reader.hpp"

namespace toptheta {

// The keys have the order above.
nlohmann::ordered_json json_from(const Provenance& provenance);

// Throws InputError with the value's place if a key is missing or its value has another type.
Provenance provenance_from(const JsonValue& json);

// JSON as UTF-8 text. Bytes that are not UTF-8, as a file name may have, become U+FFFD.
template <class Json>
std::string dump_json(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace toptheta
