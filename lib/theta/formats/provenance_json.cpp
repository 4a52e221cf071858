#include "theta/formats/provenance_json.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "theta/formats/json_fields.hpp"

namespace toptheta {

nlohmann::ordered_json json_from(const Provenance& provenance) {
  nlohmann::ordered_json json;
  json["version"] = provenance.version;
  json["commit"] = provenance.commit;
  json["command"] = provenance.command;
  json["seed"] = provenance.seed;
  json["inputs"] = nlohmann::ordered_json::array();
  for (const InputFile& input : provenance.inputs) {
    json["inputs"].push_back({{"path", input.path}, {"sha256", input.sha256}});
    if (!input.fingerprint.empty()) json["inputs"].back()["fingerprint"] = input.fingerprint;
  }
  return json;
}

Provenance provenance_from(const nlohmann::json& json, const std::string& where) {
  Provenance provenance;
  provenance.version = json_text(json, "version", where);
  provenance.commit = json_text(json, "commit", where);
  provenance.command = json_text(json, "command", where);
  const nlohmann::json& seed = json_field(json, "seed", where);
  if (!seed.is_number_unsigned())
    throw InputError(
        {.where = where + "/seed", .what = "wrong type", .expected = "a whole number of at least 0"});
  provenance.seed = seed.get<std::uint64_t>();
  const nlohmann::json& inputs = json_array(json, "inputs", where);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string place = fmt::format("{}/inputs/{}", where, i);
    provenance.inputs.push_back({json_text(inputs[i], "path", place), json_text(inputs[i], "sha256", place)});
    if (inputs[i].contains("fingerprint"))
      provenance.inputs.back().fingerprint = json_text(inputs[i], "fingerprint", place);
  }
  return provenance;
}

}  // namespace toptheta
