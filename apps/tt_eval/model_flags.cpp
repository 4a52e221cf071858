#include "tt_eval/model_flags.hpp"

#include <fmt/format.h>

#include <vector>

#include "common/embedded.hpp"

namespace toptheta::app {

CLI::Option* declare_model(CLI::App& app, std::string& model) {
  return app
      .add_option(
          "--model", model,
          "Directory with config.json, model.safetensors and tokenizer.json; the embedded model if not given")
      ->type_name("DIR")
      ->group(kInputGroup);
}

CLI::Option* declare_compute(CLI::App& app, std::string& compute) {
  return app
      .add_option("--compute", compute,
                  "What matrix products work in. bf16 halves the weights; processors that multiply bfloat16 "
                  "(AVX512_BF16) also round what goes in, others widen the weights as they use them")
      ->type_name("f32|bf16")
      ->check(CLI::IsMember({"f32", "bf16"}).description(""))
      ->capture_default_str()
      ->group(kInputGroup);
}

CLI::Option* declare_kv(CLI::App& app, std::string& kv) {
  return app
      .add_option(
          "--kv", kv,
          "What keys and values are cached in. f16 and bf16 round them once and halve the cache, and what "
          "decoding reads of it; scores and sums stay in f32")
      ->type_name("f32|f16|bf16")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}).description(""))
      ->capture_default_str()
      ->group(kInputGroup);
}

Compute resolve_compute(const std::string& compute, Session& session) {
  if (compute != "bf16") return Compute::f32;
  // Any width that fills whole blocks tells what the processor can do.
  const std::vector<float> one(64 * 64);
  if (!Linear(one, 64, 64, {}, Compute::bf16).rounds_input())
    session.console.note(
        "--compute bf16: this processor does not multiply bfloat16; weights are kept in it and widened, so "
        "prefill is no faster than with f32");
  return Compute::bf16;
}

std::filesystem::path resolve_model(const std::string& model, Session& session) {
  if (!model.empty()) return model;
  std::filesystem::path path = find_embedded_data().model();
  session.console.note(fmt::format("no --model: using the embedded one, {}", path.string()));
  return path;
}

}  // namespace toptheta::app
