// The 256 printable characters that stand for bytes in byte-level vocabularies (GPT-2's).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace toptheta {

// Replaces every byte of `text` by its character.
std::string byte_symbols(std::string_view text);

// The byte that a character stands for; nullopt for a character outside the alphabet.
std::optional<char> byte_of_symbol(char32_t symbol);

}  // namespace toptheta
