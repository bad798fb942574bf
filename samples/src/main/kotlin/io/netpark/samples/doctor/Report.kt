package io.netpark.samples.doctor

import io.netpark.core.sys.Binding
import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.PROBLEM
import io.netpark.samples.json.json

/** All findings, and what they come to. */
internal class Report(
    val findings: List<Finding>,
    /** The one that Netpark runs by; null if it cannot. */
    private val binding: Binding?,
) {
    private val notes = findings.count { it.mark == NOTE }
    private val problems = findings.count { it.mark == PROBLEM }

    val canRun: Boolean get() = problems == 0

    private val summary: String get() = when {
        canRun -> "Netpark can run here: epoll by $binding; ${count(notes, "note")}."
        else -> "Netpark cannot run here: ${count(problems, "problem")}, ${count(notes, "note")}."
    }

    /** For a human: a line for each finding and one for what to do about it, at the end the summary. */
    fun lines(): List<String> {
        val width = findings.maxOf { it.subject.length }
        val indent = " ".repeat(MARK_WIDTH)
        val body = findings.flatMap { finding ->
            listOfNotNull(
                finding.mark.text.padEnd(MARK_WIDTH) + finding.subject.padEnd(width + 2) + finding.value,
                finding.action?.let { "$indent-> $it" },
            )
        }
        val hint = "In brackets is what $CONNECTIONS connections want. " +
            "What sysctl -w sets lasts until the next boot, what is in /etc/sysctl.d for good."
        return body + listOfNotNull("", hint.takeIf { findings.any { "recommended" in it.facts } }, summary)
    }

    /** For a program. */
    fun json(): String = json(
        mapOf(
            "canRun" to canRun,
            "binding" to binding?.name?.takeIf { canRun },
            "summary" to summary,
            "notes" to notes,
            "problems" to problems,
            "findings" to findings.map {
                mapOf(
                    "subject" to it.subject,
                    "mark" to it.mark.name.lowercase(),
                    "value" to it.value,
                    "action" to it.action,
                    "facts" to it.facts,
                )
            },
        ),
    )

    private fun count(number: Int, noun: String): String = when (number) {
        0 -> "no ${noun}s"
        1 -> "1 $noun"
        else -> "$number ${noun}s"
    }

    private companion object {
        const val MARK_WIDTH = 9
    }
}
