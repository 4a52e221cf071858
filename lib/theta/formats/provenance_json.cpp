#include "theta/formats/provenance_json.hpp"

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

Provenance provenance_from(const JsonValue& json) {
  Provenance provenance;
  provenance.version = json.text("version");
  provenance.commit = json.text("commit");
  provenance.command = json.text("command");
  provenance.seed = json.at("seed").unsigned_integer();
  for (const JsonValue& input : json.elements("inputs"))
    provenance.inputs.push_back({input.text("path"), input.text("sha256"), input.text_or("fingerprint", "")});
  return provenance;
}

}  // namespace toptheta
