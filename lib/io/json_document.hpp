// Internal to lib/io's JSON sources: what all values of one document share.
#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "io/json_reader.hpp"

namespace toptheta {

struct JsonDocument {
  enum class Mark {
    asked,
    listed,
    whole
  };  // read by name; read through its container; read with everything below it

  std::string source;
  nlohmann::json root;
  std::unordered_map<const nlohmann::json*, Mark> marks{};
  std::unordered_map<const nlohmann::json*, std::int64_t> lines{};  // of the values of a TOML file
};

// The document's root value.
JsonValue document_value(std::shared_ptr<JsonDocument> document);

// `path` with one more step; keys that are not plain names are quoted.
std::string json_path_to_key(const std::string& path, std::string_view key);
std::string json_path_to_element(const std::string& path, std::size_t index);
// "FILE:PATH", or "FILE" for the whole document.
std::string json_place(const std::string& source, const std::string& path);

}  // namespace toptheta
