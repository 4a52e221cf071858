#include "tt_eval/model_flags.hpp"

#include <fmt/format.h>

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

std::filesystem::path resolve_model(const std::string& model, Session& session) {
  if (!model.empty()) return model;
  std::filesystem::path path = find_embedded_data().model();
  session.console.note(fmt::format("no --model: using the embedded one, {}", path.string()));
  return path;
}

}  // namespace toptheta::app
