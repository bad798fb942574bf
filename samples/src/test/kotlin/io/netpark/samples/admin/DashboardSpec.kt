package io.netpark.samples.admin

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.netpark.samples.ECHO
import io.netpark.samples.SampleSpec
import io.netpark.samples.json.parsedJson
import io.netpark.samples.needs
import java.nio.file.Path
import kotlin.io.path.readText

/** docs/dashboard.json, for Grafana, beside what a server really shows. */
class DashboardSpec : SampleSpec({
    val text = Path.of("../docs/dashboard.json").readText()

    test("every query asks for metrics that there are, and selects by labels that some have")
        .config(enabledOrReasonIf = { needs("curl", "--version") }) {
            val queries = strings(parsedJson(text), "expr") + strings(parsedJson(text), "query")
            val asked = queries.flatMap { query -> NAME.findAll(query).map { it.value } }.toSet()
            asked.shouldNotBeEmpty()
            Administered(ECHO, "127.0.0.1:0", "--tls").use { sample ->
                val samples = sample.curl("metrics").first.lines().filter { it.startsWith("netpark_") }
                samples.map { it.substringBefore('{') }.toSet() shouldContainAll asked
                val labels = samples.flatMap { LABEL.findAll(it.substringAfter('{')).map { label -> label.groupValues[1] } }.toSet()
                labels shouldContainAll queries.flatMap { query -> LABEL.findAll(query).map { it.groupValues[1] } }.toSet()
            }
        }

    test("every panel has a title of its own, a place of its own and a query") {
        val panels = (parsedJson(text) as Map<*, *>)["panels"] as List<*>
        val titles = panels.map { (it as Map<*, *>)["title"] }
        titles.groupBy { it }.filterValues { it.size > 1 }.keys.shouldBeEmpty()
        val places = panels.flatMap { panel ->
            val place = (panel as Map<*, *>)["gridPos"] as Map<*, *>
            fun side(at: String, size: String) = (place[at] as Long).let { it until it + place[size] as Long }
            side("y", "h").flatMap { y -> side("x", "w").map { x -> Pair(x, y) } }
        }
        places.groupBy { it }.filterValues { it.size > 1 }.keys.shouldBeEmpty()
        for (panel in panels) strings(panel, "expr").shouldNotBeEmpty()
    }
})

private val NAME = Regex("""netpark_\w+""")
private val LABEL = Regex("""(\w+)=~?"""")

/** All texts that are called so, at any depth. */
private fun strings(json: Any?, key: String): List<String> = when (json) {
    is Map<*, *> -> json.flatMap { (name, value) -> if (name == key && value is String) listOf(value) else strings(value, key) }
    is List<*> -> json.flatMap { strings(it, key) }
    else -> emptyList()
}
