#include "tokenizer/token_ids.hpp"

#include <fstream>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

using Sequences = std::vector<std::vector<std::int32_t>>;

// As numpy.save writes it.
std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                const std::string& order = "False") {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  while ((10 + header.size() + 1) % 64 != 0)
    header += ' ';
  header += '\n';
  const char size[2] = {static_cast<char>(header.size() & 0xFFU), static_cast<char>(header.size() >> 8U)};
  return std::string("\x93NUMPY\x01\x00", 8) + std::string(size, 2) + header + data;
}

Sequences read(const std::string& name, const std::string& content) {
  const TempDir dir;
  return read_token_ids(write_text(dir, name, content), 300);
}

std::string refusal(const std::string& name, const std::string& content) {
  try {
    read(name, content);
  } catch (const InputError& error) {
    return error.problem().what;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("token ids from NumPy files", "[token_ids]") {
  using namespace std::string_literals;
  CHECK(read("a.npy", npy("<i4", "(2,)", "\x05\0\0\0\x2B\x01\0\0"s)) == Sequences{{5, 299}});
  CHECK(read("a.npy", npy("<i8", "(1,)", "\x05\0\0\0\0\0\0\0"s)) == Sequences{{5}});
  CHECK(read("a.npy", npy("<u2", "(2, 1)", "\x05\0\x06\0"s)) == Sequences{{5}, {6}});
  CHECK(read("a.npy", npy("|u1", "(3,)", "\x01\x02\xFF"s)) == Sequences{{1, 2, 255}});
  CHECK(refusal("a.npy", npy("<i4", "(1,)", "\x2C\x01\0\0"s)) == "number 0 is not a token id");
  CHECK(refusal("a.npy", npy("<i4", "(1,)", "\xFF\xFF\xFF\xFF"s)) == "number 0 is not a token id");
  CHECK(refusal("a.npy", npy("<f4", "(1,)", "\0\0\0\0"s)) == "wrong type of numbers");
  CHECK(refusal("a.npy", npy(">i4", "(1,)", "\0\0\0\0"s)) == "wrong type of numbers");
  CHECK(refusal("a.npy", npy("<i4", "(2,)", "\0\0\0\0"s)) == "its size does not fit its shape");
  CHECK(refusal("a.npy", npy("<i4", "(1, 1, 1)", "\0\0\0\0"s)) == "wrong shape");
  CHECK(refusal("a.npy", npy("<i4", "(9999999999999,)", ""s)) == "impossible shape");
  CHECK(refusal("a.npy", npy("<i4", "(1, 1)", "\0\0\0\0"s, "True")) == "columns before rows");
  CHECK(refusal("a.npy", npy("<i4", "(0,)", "")) == "no token ids");
  CHECK(refusal("a.npy", "text of some length") == "not a NumPy file");
}

TEST_CASE("token ids from JSON", "[token_ids]") {
  CHECK(read("a.jsonl", "[1, 2]\n{\"ids\": [3], \"other\": 1}\n") == Sequences{{1, 2}, {3}});
  CHECK(read("a.json", "{\"schema\": \"s\", \"ids\": [7]}") == Sequences{{7}});
  CHECK(refusal("a.json", "{\"ids\": [300]}") == "not a token id");
  CHECK(refusal("a.json", "{\"ids\": [-1]}") == "not a token id");
  CHECK(refusal("a.json", "{\"ids\": [1.5]}") == "not a token id");
  CHECK(refusal("a.json", "{\"ids\": \"no\"}") == "wrong type");
  CHECK(refusal("a.json", "[]") == "no token ids");
  CHECK(refusal("a.txt", "1 2") != "accepted");
  CHECK(read("a.txt", "[1, 2]\n") == Sequences{{1, 2}});
}
