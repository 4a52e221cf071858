#include "tokenizer/post_processor.hpp"

#include <limits>

namespace toptheta {
namespace {

std::int32_t token_id(const JsonField& field) {
  const std::int64_t id = field.as_int();
  if (id < 0 || id > std::numeric_limits<std::int32_t>::max())
    field.fail("wrong token id", "an id of the vocabulary");
  return static_cast<std::int32_t>(id);
}

std::vector<std::int32_t> special_token_ids(const JsonField& processor, const JsonField& name) {
  std::vector<std::int32_t> ids;
  for (const JsonField& id : processor.at("special_tokens").at(name.as_string()).at("ids").elements())
    ids.push_back(token_id(id));
  return ids;
}

void put_before(Frame& frame, std::int32_t id, const JsonField& place) {
  if (frame.before) place.fail("a second token before the text is not supported", "one token");
  frame.before = id;
}

void add_template(const JsonField& processor, Frame& frame) {
  processor.name_unread({"type", "single", "pair", "special_tokens"});
  const JsonField single = processor.at("single");
  Frame added;
  bool text_seen = false;
  for (const JsonField& piece : single.elements()) {
    if (const auto sequence = piece.find("Sequence")) {
      if (text_seen || sequence->at("id").as_string() != "A")
        piece.fail("not a template of one text", "one A");
      text_seen = true;
      continue;
    }
    const JsonField name = piece.at("SpecialToken").at("id");
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
void add_classifier(const JsonField& processor, Frame& frame) {
  processor.name_unread({"type", "cls", "sep", "trim_offsets", "add_prefix_space"});
  const auto id_of = [&](const char* key) {
    const auto pair = processor.at(key).elements();
    if (pair.size() != 2) processor.at(key).fail("wrong value", "a token and its id");
    return token_id(pair[1]);
  };
  put_before(frame, id_of("cls"), processor);
  frame.after.push_back(id_of("sep"));
}

void add(const JsonField& processor, Frame& frame) {
  const JsonField type = processor.at("type");
  const std::string& name = type.as_string();
  if (name == "TemplateProcessing") {
    add_template(processor, frame);
  } else if (name == "BertProcessing" || name == "RobertaProcessing") {
    add_classifier(processor, frame);
  } else if (name == "Sequence") {
    processor.name_unread({"type", "processors"});
    for (const JsonField& part : processor.at("processors").elements())
      add(part, frame);
  } else if (name == "ByteLevel") {
    processor.name_unread({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  } else {
    type.fail("this post-processor is not computed",
              "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, or a Sequence of them");
  }
}

}  // namespace

Frame parse_frame(const std::optional<JsonField>& field) {
  Frame frame;
  if (field) add(*field, frame);
  return frame;
}

}  // namespace toptheta
