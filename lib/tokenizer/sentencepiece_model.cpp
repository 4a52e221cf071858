#include "tokenizer/sentencepiece_model.hpp"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include "core/error.hpp"
#include "io/text_file.hpp"
#include "tokenizer/parts.hpp"
#include "tokenizer/tokenizer_config.hpp"

namespace toptheta {

struct SentencePieceModel::Processor {
  sentencepiece::SentencePieceProcessor library;
};

SentencePieceModel::SentencePieceModel(const std::filesystem::path& path)
    : processor_(std::make_unique<Processor>()) {
  const std::string bytes = read_file(path);
  auto& library = processor_->library;
  const auto status = library.LoadFromSerializedProto(bytes);
  if (!status.ok())
    throw InputError({.where = path.string(),
                      .what = "not a SentencePiece model",
                      .found = status.ToString(),
                      .next = "check that the file is complete"});
  if (library.GetPieceSize() <= 0 || library.GetPieceSize() >= Vocabulary::kEndOfIds)
    throw InputError({.where = path.string(), .what = "no pieces, or far too many"});
  for (int id = 0; id < library.GetPieceSize(); ++id) {
    if (!vocabulary_.add(library.IdToPiece(id), id))
      throw InputError({.where = path.string(), .what = "piece given twice", .found = library.IdToPiece(id)});
  }
}

SentencePieceModel::~SentencePieceModel() = default;

void SentencePieceModel::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
  std::vector<int> found;
  const auto status = processor_->library.Encode(absl::string_view(text.data(), text.size()), &found);
  if (!status.ok()) throw InputError({.where = "text", .what = "SentencePiece: " + status.ToString()});
  ids.insert(ids.end(), found.begin(), found.end());
}

std::optional<std::string> SentencePieceModel::decode(const std::vector<std::int32_t>& ids) const {
  std::string text;
  const auto status = processor_->library.Decode(ids, &text);
  if (!status.ok()) throw InputError({.where = "token ids", .what = "SentencePiece: " + status.ToString()});
  return text;
}

bool SentencePieceModel::is_control(std::int32_t id) const {
  return processor_->library.IsControl(id) || processor_->library.IsUnknown(id);
}

std::optional<std::int32_t> SentencePieceModel::bos() const {
  const int id = processor_->library.bos_id();
  return id < 0 ? std::nullopt : std::optional<std::int32_t>(id);
}

std::optional<std::int32_t> SentencePieceModel::eos() const {
  const int id = processor_->library.eos_id();
  return id < 0 ? std::nullopt : std::optional<std::int32_t>(id);
}

TokenizerParts parts_of_sentencepiece(const std::filesystem::path& path) {
  TokenizerParts parts;
  auto model = std::make_unique<SentencePieceModel>(path);
  const TokenizerConfig config = read_tokenizer_config(path.parent_path());
  // As in Hugging Face's tokenizers, control tokens that are written out in a text are recognised.
  for (std::int32_t id = 0; id < model->vocabulary().end_id(); ++id) {
    if (model->is_control(id))
      parts.added.add({.content = *model->vocabulary().token(id), .special = true}, model->vocabulary(), {});
  }
  if (config.add_bos.value_or(true)) parts.frame.before = model->bos();
  if (config.add_eos.value_or(false) && model->eos()) parts.frame.after.push_back(*model->eos());
  if (!config.add_bos && model->bos())
    parts.notes.push_back(
        fmt::format("{}: nothing says whether texts begin with {}, so they do (add_bos_token in "
                    "tokenizer_config.json decides)",
                    path.string(), *model->vocabulary().token(*model->bos())));
  parts.model = std::move(model);
  return parts;
}

}  // namespace toptheta
