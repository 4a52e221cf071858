#include "tasks/answers.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/task_library.hpp"

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
  const AnswerMatch match;
  CHECK(is_right(match, "4 2", " 4 2\n"));
  CHECK_FALSE(is_right(match, "4 2", "42"));
  CHECK_FALSE(is_right(match, "4 2", "4 2."));
  CHECK_FALSE(is_right(match, "4 2", ""));
}

TEST_CASE("GSM8K, strict: the first number after a mark", "[answers]") {
  const AnswerMatch& match = testing::shipped_task("gsm8k").answer->matches.at(0);
  const std::string answer = "She has 1,200 dollars.\n#### 1,234";
  CHECK(is_right(match, answer, "so it is\n#### 1234"));
  CHECK(is_right(match, answer, "#### 1,234.\n#### 5"));
  CHECK(is_right(match, answer, "#### ? then #### 1234"));
  CHECK_FALSE(is_right(match, answer, "1234"));
  CHECK_FALSE(is_right(match, answer, "#### -1234"));
  CHECK_FALSE(is_right(match, answer, "####"));
  CHECK_FALSE(is_right(match, answer, ""));
  CHECK(is_right(match, "#### -7", "#### -7"));
}

TEST_CASE("GSM8K, flexible: the last number", "[answers]") {
  const AnswerMatch& match = testing::shipped_task("gsm8k").answer->matches.at(1);
  CHECK(match.name == "flexible");
  CHECK(is_right(match, "x\n#### 18", "16 - 3 = 13, so she makes $18."));
  CHECK(is_right(match, "#### 1,800", "1 and then 1800"));
  CHECK_FALSE(is_right(match, "#### 18", "18 of 20"));
  CHECK_FALSE(is_right(match, "#### 18", "eighteen"));
}

TEST_CASE("case and punctuation may be left aside", "[answers]") {
  const AnswerMatch& match = testing::shipped_task("mmlu_pro").answer->matches.at(0);
  CHECK(is_right(match, "B", "so the answer is (B)."));
  CHECK_FALSE(is_right(match, "B", "the answer is (A). No, the answer is (B)"));
  AnswerMatch loose;
  loose.ignore_case = true;
  loose.ignore_punctuation = true;
  CHECK(is_right(loose, "Hello, World!", "hello world"));
}
