package io.netpark.samples.doctor

import io.netpark.core.sys.Binding
import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK
import io.netpark.samples.doctor.Mark.PROBLEM

/** How the C library is reached: which binding is taken and why, and which of them work. */
internal class Bindings(private val jvm: Jvm, private val trials: Trials) {

    private class State(val unavailability: String?, val failure: String?) {
        val works: Boolean get() = unavailability == null && failure == null
    }

    /** The better one first. */
    private val states: Map<Binding, State> = listOf(Binding.FFM, Binding.JNA).associateWith { binding ->
        val unavailability = trials.availability(binding)
        State(unavailability, if (unavailability == null) trials.open(binding) else null)
    }

    private val property: String = jvm.bindingProperty ?: "auto"

    private var misuse: String? = null

    private val chosen: Binding? = try {
        trials.choose(property)
    } catch (e: IllegalArgumentException) {
        misuse = e.message
        null
    }

    /** The one in use, or null if none is: Netpark has no second choice once it has made one. */
    val working: Binding? = chosen?.takeIf { states.getValue(it).works }

    val findings: List<Finding> get() = listOf(choice()) + states.map { (binding, state) -> finding(binding, state) }

    private fun choice(): Finding {
        val facts = mapOf("property" to jvm.bindingProperty, "chosen" to chosen?.name, "working" to working?.name)
        if (chosen == null) {
            return Finding(
                "binding", PROBLEM, misuse ?: "none", "take -D${Binding.PROPERTY}=$property away, or correct it", facts,
            )
        }
        val why = when {
            !property.equals("auto", ignoreCase = true) -> "-D${Binding.PROPERTY}=$property asks for it"
            chosen == Binding.FFM -> "the first choice, where JDK and build have it"
            else -> "FFM is not available"
        }
        return Finding("binding", OK, "$chosen: $why", facts = facts)
    }

    private fun finding(binding: Binding, state: State): Finding {
        val subject = "binding $binding"
        val facts = mapOf(
            "available" to (state.unavailability == null),
            "works" to state.works,
            "reason" to (state.unavailability ?: state.failure),
        )
        val trouble = if (binding == chosen) PROBLEM else NOTE
        return when {
            state.unavailability != null ->
                Finding(subject, trouble, "not available: ${state.unavailability}", wayToHave(binding), facts)
            state.failure != null -> Finding(subject, trouble, "fails: ${state.failure}", wayOut(binding, state.failure), facts)
            else -> Finding(subject, OK, "works; the self-test of its struct layouts passed", facts = facts)
        }
    }

    private fun wayToHave(binding: Binding): String {
        val newer = "to have it, build and run on JDK 22 or newer; its calls cost less than those of JNA"
        return listOfNotNull(instead(binding), newer).joinToString("; ")
    }

    private fun wayOut(binding: Binding, failure: String): String {
        val cause = when {
            "seccomp" in failure -> "allow this process the system call: it cannot do without"
            jvm.nativeAccess == false -> "let java call native code: --enable-native-access=ALL-UNNAMED"
            binding == Binding.JNA -> "JNA unpacks its library into a folder: -Djna.tmpdir=DIR if that is mounted noexec"
            else -> "report it: with native access it should work"
        }
        return listOfNotNull(instead(binding), cause).joinToString("; ")
    }

    /** Where the one chosen does not work. */
    private fun instead(binding: Binding): String? {
        if (binding != chosen) return null
        val other = states.entries.firstOrNull { (_, state) -> state.works }?.key ?: return null
        return "take the other: -D${Binding.PROPERTY}=${other.name.lowercase()}"
    }
}
