// Reading JSON values that must be there and of one type. `where` is "file.json:/targets/0", as a JSON
// pointer.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace toptheta {

// Each throws InputError naming where/name if the key is missing or its value is of another type.
const nlohmann::json& json_field(const nlohmann::json& object, const std::string& name,
                                 const std::string& where);
const nlohmann::json& json_array(const nlohmann::json& object, const std::string& name,
                                 const std::string& where);
std::string json_text(const nlohmann::json& object, const std::string& name, const std::string& where);
double json_number(const nlohmann::json& object, const std::string& name, const std::string& where);
std::int64_t json_integer(const nlohmann::json& object, const std::string& name, const std::string& where);
bool json_bool(const nlohmann::json& object, const std::string& name, const std::string& where);

// The value itself as an integer that fits 64 bits with a sign.
std::int64_t integer_of(const nlohmann::json& value, const std::string& where);
double number_of(const nlohmann::json& value, const std::string& where);

}  // namespace toptheta
