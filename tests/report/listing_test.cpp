#include "report/listing.hpp"

#include "report/format.hpp"

#include <cmath>

#include "report/json.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

Listing sample() {
  Listing listing;
  listing.schema = "toptheta.sample/1";
  listing.heading = "About it";
  listing.about = {{"model", "tiny"}};
  listing.columns = {{"name", "the name", false}, {"value", "the value"}, {"count", "n"}};
  listing.rows = {{"a,b", 0.1, 3}, {"c", json_number(std::nan("")), nullptr}};
  listing.notes = {"a note"};
  return listing;
}

}  // namespace

TEST_CASE("people see fractions in per cent and repeated names once, machines see values") {
  Listing listing;
  listing.schema = "toptheta.sample/1";
  listing.columns = {{"cell", "cell", false, 0, Shown::once}, {"kept", "kept %", true, 0, Shown::percent}};
  listing.rows = {{"a", 0.125}, {"a", 1}, {"b", nullptr}, {"a", 0.5}};
  CHECK(format_listing(listing, find_result_format("table")) ==
        "cell  kept %\n"
        "----  ------\n"
        "a      12.50\n"
        "      100.00\n"
        "b          -\n"
        "a      50.00\n");
  CHECK(format_listing(listing, find_result_format("md")).find("|  | 100.00 |") != std::string::npos);
  CHECK(format_listing(listing, find_result_format("csv")) == "cell,kept\na,0.125\na,1\nb,\na,0.5\n");
}

TEST_CASE("small numbers keep their digits where a column asks for it") {
  Listing listing;
  listing.columns = {{"theta", "theta", true, 0, Shown::digits}, {"mass", "mass"}};
  listing.rows = {{0.0000123456, 0.0000123456}, {2.5, 2.5}, {-15.1939, nullptr}};
  CHECK(format_listing(listing, find_result_format("table")) ==
        "    theta    mass\n"
        "---------  ------\n"
        "1.235e-05  0.0000\n"
        "    2.500  2.5000\n"
        "   -15.19       -\n");
}

TEST_CASE("a table for people spares columns without any value, other formats keep them") {
  Listing listing;
  listing.columns = {{"k", "k"}, {"sdc", "SDC term", true, 4}, {"rho", "rho"}};
  listing.rows = {{1, nullptr, nullptr}, {2, nullptr, nullptr}};
  CHECK(format_listing(listing, find_result_format("table")) == "k  rho\n-  ---\n1    -\n2    -\n");
  CHECK(format_listing(listing, find_result_format("csv")) == "k,sdc,rho\n1,,\n2,,\n");
  listing.rows[1][1] = 3;
  CHECK(format_listing(listing, find_result_format("table")).starts_with("k  SDC term  rho\n"));
  listing.rows.clear();
  CHECK(format_listing(listing, find_result_format("table")).starts_with("k  SDC term  rho\n"));
}

TEST_CASE("a listing in every format") {
  CHECK(format_listing(sample(), find_result_format("table")) ==
        "About it\n\n"
        "the name  the value  n\n"
        "--------  ---------  -\n"
        "a,b          0.1000  3\n"
        "c                 -  -\n"
        "\na note\n");
  CHECK(format_listing(sample(), find_result_format("csv")) == "name,value,count\n\"a,b\",0.1,3\nc,,\n");
  CHECK(format_listing(sample(), find_result_format("md"))
            .find("| the name | the value | n |\n|---|---:|---:|\n") != std::string::npos);
  CHECK(nlohmann::ordered_json::parse(format_listing(sample(), find_result_format("json"))).dump() ==
        R"({"schema":"toptheta.sample/1","model":"tiny",)"
        R"("rows":[{"name":"a,b","value":0.1,"count":3},{"name":"c","value":null,"count":null}]})");
}
