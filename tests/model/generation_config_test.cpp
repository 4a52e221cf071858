#include "model/generation_config.hpp"

#include <fstream>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;

namespace {

GenerationConfig config_of(const std::string& json) {
  const testing::TempDir dir;
  std::ofstream(dir.path("generation_config.json")) << json;
  return read_generation_config(dir.root());
}

}  // namespace

TEST_CASE("generation_config.json: ends and sampling", "[model]") {
  const testing::TempDir dir;
  CHECK_FALSE(read_generation_config(dir.root()).eos_tokens.has_value());
  const GenerationConfig config = config_of(
      R"({"eos_token_id": [3, 5], "do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 20})");
  CHECK(config.eos_tokens == std::vector<std::int32_t>{3, 5});
  CHECK(config.do_sample == true);
  CHECK(config.temperature == 0.6);
  CHECK(config.top_p == 0.9);
  CHECK(config.top_k == 20);
  CHECK(config.notes.empty());
  CHECK(config_of(R"({"eos_token_id": 7})").eos_tokens == std::vector<std::int32_t>{7});
}

TEST_CASE("generation_config.json: what is not used is named, what is wrong refused", "[model]") {
  CHECK(config_of(R"({"repetition_penalty": 1.1, "transformers_version": "5"})").notes.size() == 1);
  for (const char* json :
       {R"({"eos_token_id": -1})", R"({"eos_token_id": "a"})", R"({"temperature": -1})", R"({"top_p": 1.5})",
        R"({"top_p": 0})", R"({"top_k": -1})", R"({"do_sample": 1})"}) {
    INFO(json);
    CHECK_THROWS_AS(config_of(json), InputError);
  }
}
