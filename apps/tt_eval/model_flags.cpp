#include "tt_eval/model_flags.hpp"

#include <fmt/format.h>

#include <vector>

#include "common/choice_flag.hpp"
#include "common/embedded.hpp"

namespace toptheta::app {

CLI::Option* declare_model(CLI::App& app, std::string& model) {
  return app
      .add_option("--model", model,
                  "Directory with config.json, model.safetensors and tokenizer.json, or a .gguf file; by "
                  "default the embedded model")
      ->type_name("DIR|FILE")
      ->group(kInputGroup);
}

CLI::Option* declare_compute(CLI::App& app, Compute& compute) {
  return add_choice(app, "--compute", compute,
                    "Precision of matrix products. bf16 halves the weights; processors that multiply "
                    "bfloat16 (AVX512_BF16) also round the activations, others widen the weights as they use "
                    "them. q8 keeps the integers of a quantised file and rounds other matrices to 8 bits, "
                    "and in decoding also the activations")
      ->group(kInputGroup);
}

CLI::Option* declare_kv(CLI::App& app, KvType& kv) {
  return add_choice(app, "--kv", kv,
                    "Format of the KV cache. f16 and bf16 round keys and values once and halve the cache and "
                    "what decoding reads of it; int8, with a scale for each key and value of a head, takes a "
                    "quarter. Scores and sums stay in f32")
      ->group(kInputGroup);
}

Compute resolve_compute(Compute compute, Session& session) {
  if (compute != Compute::bf16) return compute;
  // Any width that fills whole blocks tells what the processor can do.
  const std::vector<float> one(std::size_t{64} * 64);
  if (!Linear(one, 64, 64, {}, Compute::bf16).rounds_input())
    session.console.note(
        "--compute bf16: this processor does not multiply bfloat16; weights are stored in bfloat16 and "
        "widened, so prefill is no faster than with f32");
  return compute;
}

std::filesystem::path resolve_model(const std::string& model, Session& session) {
  if (!model.empty()) return model;
  std::filesystem::path path = find_embedded_data().model();
  session.console.note(fmt::format("no --model: using the embedded one, {}", path.string()));
  return path;
}

}  // namespace toptheta::app
