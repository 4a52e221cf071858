// The "post_processor" of a tokenizer.json: which tokens a text is framed with.
#pragma once
#include <cstdint>
#include <optional>

#include "tokenizer/json_field.hpp"

namespace toptheta {

// The token that stands before a single text, if any. Takes null, TemplateProcessing, ByteLevel (which only
// moves offsets) and Sequences of these; throws InputError naming anything else, or more than one token
// before the text.
std::optional<std::int32_t> parse_bos(const std::optional<JsonField>& field);

}  // namespace toptheta
