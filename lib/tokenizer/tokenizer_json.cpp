// Reads a whole tokenizer.json.
#include <fmt/format.h>

#include <algorithm>

#include "io/json_reader.hpp"
#include "tokenizer/parts.hpp"

namespace toptheta {
namespace {

void require_known(const Frame& frame, std::int64_t vocab_size, const JsonValue& root) {
  const auto known = [&](std::int32_t id) { return id < vocab_size; };
  if ((!frame.before || known(*frame.before)) && std::ranges::all_of(frame.after, known)) return;
  root.at("post_processor")
      .fail("frames the text with a token that is not in the vocabulary",
            fmt::format("ids below {}", vocab_size));
}

}  // namespace

TokenizerParts parts_of_json(const std::filesystem::path& path) {
  const JsonValue root = read_json_file(path);
  TokenizerParts parts;
  if (const auto version = root.find("version"); version && version->text() != "1.0")
    version->fail("another version of the format", "1.0");
  // Hugging Face's programs, too, ignore these unless a length is asked for.
  for (const char* key : {"truncation", "padding"}) {
    if (const auto field = root.find(key))
      parts.notes.push_back(fmt::format("{}: not used: texts are neither cut nor padded ({})",
                                        root.where(key), field->shown()));
    root.ignore(key);
  }
  // The model comes first: once its vocabulary and merges are read whole, the places of the regular
  // expressions below, which errors at run time name, are found without a walk through them.
  parts.model = TokenModel::parse(root.at("model"));
  const auto normalizer = root.find("normalizer");
  parts.normalizer = Normalizer::parse(normalizer);
  parts.pre_tokenizer = PreTokenizer::parse(root.find("pre_tokenizer"));
  if (parts.pre_tokenizer.depends_on_start() && parts.normalizer.removes())
    normalizer->fail("it may remove the start of a text, which the prepend scheme \"first\" depends on",
                     "a normalizer that removes nothing");
  parts.added = AddedTokens::parse(root.find("added_tokens"), parts.model->vocabulary(), parts.normalizer);
  parts.decoder = Decoder::parse(root.find("decoder"));
  parts.frame = parse_frame(root.find("post_processor"));
  require_known(parts.frame, std::max(parts.model->vocabulary().end_id(), parts.added.end_id()), root);
  for (std::string& note : root.unread_notes())
    parts.notes.push_back(std::move(note));
  return parts;
}

}  // namespace toptheta
