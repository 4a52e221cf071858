#include "sweep/condition.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

bool holds(const std::string& text) {
  const std::map<std::string, double> own = {
      {"acc", 0.5}, {"nll", 2}, {"v_rows", 0.3}, {"kl_p99.9", 4}, {"perplexity", std::nan("")}};
  return parse_condition(text).holds([&](ConditionSide side, const std::string& metric) {
    return own.at(metric) + (side == ConditionSide::dense ? 0.125 : side == ConditionSide::first ? 1 : 0);
  });
}

}  // namespace

TEST_CASE("conditions compare metrics with numbers, dense and A", "[gate]") {
  for (const char* text :
       {"acc < dense - 0.1", "acc<dense", "dense - acc > 0.12", "acc == 50%", "acc >= .5", "acc <= 5e-1",
        "acc != 0.4", "nll > 1.01 * dense - 0.2", "acc / dense < 0.9", "acc < A - 0.9", "-acc > -0.51",
        "acc * (1 + 1) == 1", "2 - 1 - 1 == acc - 0.5", "8 / 2 / 2 == nll", "kl_p99.9 > 3",
        "v_rows < dense.acc", "acc + nll > A.v_rows", "perplexity < 0", "perplexity > 0"}) {
    INFO(text);
    CHECK(holds(text));
  }
  for (const char* text :
       {"acc < dense - 0.125", "acc > dense", "acc < A - 1.2", "nll > 2", "kl_p99.9 > 4"}) {
    INFO(text);
    CHECK_FALSE(holds(text));
  }
}

TEST_CASE("conditions that are not understood are refused", "[gate]") {
  for (const char* text : {"", "acc", "acc <", "< 1", "acc < 1 2", "acc = 1", "acc < dense -", "acc < (1",
                           "acc < 1)", "1 < 2", "dense < 1", "acc < x y", "acc + nll < dense", "acc < dense.",
                           "acc < 1e999", "acc < 0x10", "acc < 1 < 2", "acc; nll"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_condition(text), UsageError);
  }
  CHECK_THROWS_AS(parse_condition("acc < " + std::string(1000, '(')), UsageError);
  CHECK_THROWS_AS(parse_condition("acc < " + std::string(1000, '-') + "1"), UsageError);
}

TEST_CASE("a condition says what it asks for", "[gate]") {
  const Condition condition = parse_condition("acc < dense.nll - acc_norm");
  CHECK(condition.metrics == std::vector<std::string>{"acc", "acc_norm"});
  CHECK(condition.asks(ConditionSide::dense));
  CHECK_FALSE(condition.asks(ConditionSide::first));
}
