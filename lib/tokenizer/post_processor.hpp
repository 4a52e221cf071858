// The "post_processor" of a tokenizer.json: the tokens that are added before and after a text.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "io/json_reader.hpp"

namespace toptheta {

struct Frame {
  std::optional<std::int32_t> before;  // BOS
  std::vector<std::int32_t> after;     // EOS
};

// The frame of a single text. Accepts null, TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel
// (which only moves offsets) and Sequences of these; throws InputError naming anything else, or more than one
// token before the text.
Frame parse_frame(const std::optional<JsonValue>& field);

}  // namespace toptheta
