#include "tasks/answers.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("text ends before the first stop", "[answers]") {
  const std::vector<std::string> stop = {"\n\n", "."};
  CHECK(cut_at_stop("a b. c\n\nd", stop) == "a b");
  CHECK(cut_at_stop("a\n\nb.", stop) == "a");
  CHECK(cut_at_stop("abc", stop) == "abc");
  CHECK(cut_at_stop(".", stop).empty());
  CHECK(cut_at_stop("abc", {}) == "abc");
}

TEST_CASE("answers may differ in outer white space only", "[answers]") {
  GenerationExample example;
  example.answer = "4 2";
  CHECK(is_right(example, " 4 2\n"));
  CHECK_FALSE(is_right(example, "42"));
  CHECK_FALSE(is_right(example, "4 2."));
  CHECK_FALSE(is_right(example, ""));
}

TEST_CASE("GSM8K compares the numbers after the marks", "[answers]") {
  GenerationExample example;
  example.rule = AnswerRule::gsm8k;
  example.answer = "She has 1,200 dollars.\n#### 1,234";
  CHECK(is_right(example, "so it is\n#### 1234"));
  CHECK(is_right(example, "#### 1,234.\n#### 5"));
  CHECK(is_right(example, "#### ? then #### 1234"));
  CHECK_FALSE(is_right(example, "1234"));
  CHECK_FALSE(is_right(example, "#### -1234"));
  CHECK_FALSE(is_right(example, "####"));
  CHECK_FALSE(is_right(example, ""));
  example.answer = "#### -7";
  CHECK(is_right(example, "#### -7"));
  CHECK_FALSE(is_right(example, "#### -"));
}
