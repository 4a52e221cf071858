#include "tokenizer/post_processor.hpp"

#include <limits>

namespace toptheta {
namespace {

std::int32_t special_token_id(const JsonField& processor, const JsonField& name) {
  const auto ids = processor.at("special_tokens").at(name.as_string()).at("ids").elements();
  if (ids.size() != 1) name.fail("a special token of several ids cannot be reproduced", "one id");
  const std::int64_t id = ids[0].as_int();
  if (id < 0 || id > std::numeric_limits<std::int32_t>::max())
    ids[0].fail("wrong token id", "an id of the vocabulary");
  return static_cast<std::int32_t>(id);
}

std::optional<std::int32_t> bos_of_template(const JsonField& processor) {
  std::optional<std::int32_t> bos;
  const JsonField single = processor.at("single");
  for (const JsonField& piece : single.elements()) {
    if (piece.find("Sequence")) return bos;
    const JsonField name = piece.at("SpecialToken").at("id");
    if (bos) name.fail("a second token before the text cannot be reproduced", "one");
    bos = special_token_id(processor, name);
  }
  single.fail("leaves out the text", "a Sequence");
}

}  // namespace

std::optional<std::int32_t> parse_bos(const std::optional<JsonField>& field) {
  if (!field) return std::nullopt;
  const JsonField type = field->at("type");
  const std::string& name = type.as_string();
  if (name == "TemplateProcessing") return bos_of_template(*field);
  if (name == "ByteLevel") return std::nullopt;
  if (name != "Sequence") {
    type.fail("this post-processor cannot be reproduced exactly",
              "TemplateProcessing, ByteLevel, or a Sequence of them");
  }
  std::optional<std::int32_t> bos;
  for (const JsonField& part : field->at("processors").elements()) {
    const auto token = parse_bos(part);
    if (token && bos) part.fail("a second token before the text cannot be reproduced", "one");
    if (token) bos = token;
  }
  return bos;
}

}  // namespace toptheta
