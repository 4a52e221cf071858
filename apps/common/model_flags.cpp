#include "common/model_flags.hpp"

#include "common/embedded.hpp"
#include "core/error.hpp"

namespace toptheta::app {

CLI::Option* declare_model(CLI::App& app, std::string& model) {
  return app
      .add_option(
          "--model", model,
          "Model directory in Hugging Face's layout: config.json, model.safetensors, tokenizer.json; without "
          "it the small model that comes with the program")
      ->type_name("DIR")
      ->group(kModelGroup);
}

std::filesystem::path model_directory(const std::string& model) {
  return model.empty() ? find_embedded_data().model() : std::filesystem::path(model);
}

std::vector<TextDocument> load_texts(const std::vector<std::filesystem::path>& files,
                                     const std::string& flag) {
  std::vector<TextDocument> texts;
  for (const std::filesystem::path& file : files) {
    Task task = load_task(file);
    auto* documents = std::get_if<std::vector<TextDocument>>(&task.examples);
    if (documents == nullptr)
      throw UsageError({.where = flag,
                        .what = file.string() + " is not a text",
                        .expected = "a .txt file, one document each",
                        .found = "a task: " + task.format});
    for (TextDocument& document : *documents)
      texts.push_back(std::move(document));
  }
  return texts;
}

}  // namespace toptheta::app
