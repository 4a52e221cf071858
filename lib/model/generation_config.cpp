#include "model/generation_config.hpp"

#include <limits>

#include "io/json_reader.hpp"

namespace toptheta {
namespace {

std::int32_t generation_token(const JsonValue& value) {
  return static_cast<std::int32_t>(value.integer(0, std::numeric_limits<std::int32_t>::max()));
}

std::vector<std::int32_t> generation_tokens(const JsonValue& value) {
  if (!value.is_list()) return {generation_token(value)};
  std::vector<std::int32_t> tokens;
  for (const JsonValue& element : value.elements())
    tokens.push_back(generation_token(element));
  return tokens;
}

}  // namespace

GenerationConfig read_generation_config(const std::filesystem::path& directory) {
  GenerationConfig config;
  const std::filesystem::path path = directory / "generation_config.json";
  if (!std::filesystem::exists(path)) return config;
  const JsonValue root = read_json_file(path);
  // What does not affect which tokens are chosen, and what the command line replaces.
  root.ignore({"bos_token_id", "pad_token_id", "max_length", "max_new_tokens", "use_cache",
               "transformers_version", "_from_model_config", "trust_remote_code"});
  if (const auto eos = root.find("eos_token_id")) config.eos_tokens = generation_tokens(*eos);
  if (const auto sample = root.find("do_sample")) config.do_sample = sample->flag();
  if (const auto temperature = root.find("temperature"); temperature && temperature->number() != 0)
    config.temperature = temperature->positive();
  if (const auto top_p = root.find("top_p")) {
    if (top_p->positive() > 1) top_p->fail("impossible value", "a number above 0, at most 1");
    config.top_p = top_p->number();
  }
  if (const auto top_k = root.find("top_k"))
    config.top_k = top_k->integer(0, std::numeric_limits<std::int64_t>::max());
  config.notes = root.unread_notes();
  return config;
}

std::optional<SamplingOptions> sampling_of(const SamplingRequest& request, const GenerationConfig& model,
                                           std::uint64_t seed) {
  if (!request.asked() || request.temperature == 0) return std::nullopt;
  return SamplingOptions{.temperature = request.temperature.value_or(model.temperature.value_or(1)),
                         .top_k = request.top_k.value_or(model.top_k.value_or(0)),
                         .top_p = request.top_p.value_or(model.top_p.value_or(1)),
                         .seed = seed};
}

}  // namespace toptheta
