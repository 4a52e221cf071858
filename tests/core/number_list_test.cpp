#include "core/number_list.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using List = std::vector<std::int64_t>;

TEST_CASE("lists and ranges", "[number_list]") {
  CHECK(parse_number_list("64", "-k") == List{64});
  CHECK(parse_number_list("16,32,64", "-k") == List{16, 32, 64});
  CHECK(parse_number_list("16-256*2", "-k") == List{16, 32, 64, 128, 256});
  CHECK(parse_number_list("16-100*2", "-k") == List{16, 32, 64});
  CHECK(parse_number_list("100-500+100,7", "-k") == List{100, 200, 300, 400, 500, 7});
  CHECK(parse_number_list("9223372036854775807-9223372036854775807+1", "-k").size() == 1);
}

TEST_CASE("whatever is not a list of positive numbers is refused, naming the flag", "[number_list]") {
  for (const char* text : {"", "x", "0", "-3", "1.5", "1,,2", "3 ", "16-", "16-8*2", "1-9*1", "1-9+0", "1-9",
                           "4,4", "99999999999999999999", "1-99999999+1"}) {
    INFO(text);
    try {
      parse_number_list(text, "-k");
      FAIL_CHECK("accepted");
    } catch (const UsageError& error) {
      CHECK(error.problem().where == "-k");
    }
  }
}

TEST_CASE("k per layer", "[number_list]") {
  const auto parsed = parse_layer_k("0:512,3:dense");
  CHECK(parsed == std::vector<LayerK>{{0, 512}, {3, kDenseK}});
  CHECK(resolve_layer_k(64, parsed, 4) == List{512, 64, 64, kDenseK});
  CHECK_THROWS_AS(resolve_layer_k(64, parsed, 3), UsageError);
  for (const char* text :
       {"", "0", "0:", ":5", "0:0", "0:-1", "-1:5", "a:5", "0:5,0:6", "0:5;1:6", "0:Dense"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_layer_k(text), UsageError);
  }
  CHECK(format_k(kDenseK) == "dense");
  CHECK(format_k(64) == "64");
}
