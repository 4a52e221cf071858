#include "tokenizer/post_processor.hpp"

#include <limits>

namespace toptheta {
namespace {

std::int32_t token_id(const JsonValue& field) {
  return static_cast<std::int32_t>(field.integer(0, std::numeric_limits<std::int32_t>::max()));
}

std::vector<std::int32_t> special_token_ids(const JsonValue& processor, const JsonValue& name) {
  std::vector<std::int32_t> ids;
  for (const JsonValue& id : processor.at("special_tokens").at(name.text()).elements("ids"))
    ids.push_back(token_id(id));
  return ids;
}

void put_before(Frame& frame, std::int32_t id, const JsonValue& place) {
  if (frame.before) place.fail("a second token before the text is not supported", "one token");
  frame.before = id;
}

void add_template(const JsonValue& processor, Frame& frame) {
  // The template of pairs is not used, nor are the special tokens that only it names.
  processor.ignore({"pair", "special_tokens"});
  const JsonValue single = processor.at("single");
  Frame added;
  bool text_seen = false;
  for (const JsonValue& piece : single.elements()) {
    if (const auto sequence = piece.find("Sequence")) {
      sequence->ignore("type_id");
      if (text_seen || sequence->text("id") != "A") piece.fail("not a template of one text", "one A");
      text_seen = true;
      continue;
    }
    const JsonValue token = piece.at("SpecialToken");
    token.ignore("type_id");
    const JsonValue name = token.at("id");
    for (const std::int32_t id : special_token_ids(processor, name)) {
      if (text_seen) {
        added.after.push_back(id);
      } else {
        put_before(added, id, name);
      }
    }
  }
  if (!text_seen) single.fail("leaves out the text", "a Sequence");
  if (added.before) put_before(frame, *added.before, single);
  frame.after.insert(frame.after.end(), added.after.begin(), added.after.end());
}

// Reads a classifier's token, put before the text, and a separator, put after it; both are given as [text,
// id].
void add_classifier(const JsonValue& processor, Frame& frame) {
  processor.ignore({"trim_offsets", "add_prefix_space"});
  const auto id_of = [&](const char* key) {
    const auto pair = processor.elements(key);
    if (pair.size() != 2) processor.at(key).fail("wrong value", "a token and its id");
    return token_id(pair[1]);
  };
  put_before(frame, id_of("cls"), processor);
  frame.after.push_back(id_of("sep"));
}

void add(const JsonValue& processor, Frame& frame) {
  const JsonValue type = processor.at("type");
  const std::string& name = type.text();
  if (name == "TemplateProcessing") {
    add_template(processor, frame);
  } else if (name == "BertProcessing" || name == "RobertaProcessing") {
    add_classifier(processor, frame);
  } else if (name == "Sequence") {
    for (const JsonValue& part : processor.elements("processors"))
      add(part, frame);
  } else if (name == "ByteLevel") {
    processor.ignore({"add_prefix_space", "trim_offsets", "use_regex"});
  } else {
    type.fail("this post-processor is not computed",
              "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, or a Sequence of them");
  }
}

}  // namespace

Frame parse_frame(const std::optional<JsonValue>& field) {
  Frame frame;
  if (field) add(*field, frame);
  return frame;
}

}  // namespace toptheta
