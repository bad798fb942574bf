package io.netpark.coroutines.parking

import java.io.ByteArrayInputStream
import java.io.DataInputStream
import java.io.IOException

/**
 * What the lines of inlined code are in the source file of the class that it was inlined into. The compiler numbers them from behind the
 * end of that file, and writes a table of them into the class file: the stratum `KotlinDebug` of a SourceDebugExtension (JSR 45). The
 * functions of the data path are inline, so most points of suspension have such a line.
 *
 * What a continuation says of itself is from an earlier step of the compiler, in which each function began to count behind the end of the
 * file. In the class the functions follow one another. So the line is moved to where those of its function begin, by the lines of its code.
 *
 * A `let` on one line, say, has a line that belongs to no call, so that a debugger stops there once more. Each function counts it where it
 * first comes, but the class has it once, where the first of these functions has it.
 *
 * @param begin the first line behind the end of the file
 * @param calls what has been inlined
 * @param parts where the inlined code of functions is; not of functions that share their name with another
 */
internal class InlinedLines private constructor(
    private val begin: Int,
    private val calls: List<Call>,
    private val parts: Map<String, Part>,
) {

    /** Lines of inlined code, [perLine] for each line of source. */
    private class Call(val source: Int, val lines: IntRange, val perLine: Int)

    /**
     * The inlined code of one function.
     *
     * @param first its lowest line in the class
     * @param alien how many lines are before one that the function counts and the class has elsewhere; as many as there can be without one
     */
    private class Part(private val first: Int, private val alien: Int) {

        /** In the class. */
        fun line(counted: Int): Int = first + if (counted > alien) counted - 1 else counted
    }

    /** The line of the call that was inlined into [function]; [line] itself if it is one of the source; -1 if it cannot be told. */
    fun callOf(function: String, line: Int): Int {
        if (line < begin) return line
        val moved = (parts[function] ?: return UNKNOWN).line(line - begin)
        val call = calls.firstOrNull { moved in it.lines } ?: return UNKNOWN
        return call.source + (moved - call.lines.first) / call.perLine
    }

    companion object {
        private const val UNKNOWN = -1
        private val NONE = InlinedLines(Int.MAX_VALUE, emptyList(), emptyMap())

        // input line # file, how many : output line, lines of output a line of input
        private val ENTRY = Regex("""(\d+)(?:#\d+)?(?:,(\d+))?:(\d+)(?:,(\d+))?""")

        /**
         * Of the class [name] that [neighbour] can see. Where there is no class file to be read, lines stay as they are: an agent has
         * made the class, say.
         */
        fun of(neighbour: Class<*>, name: String): InlinedLines = try {
            neighbour.classLoader?.getResourceAsStream(name.replace('.', '/') + ".class")?.use { of(it.readAllBytes()) } ?: NONE
        } catch (_: IOException) {
            NONE
        } catch (_: RuntimeException) { // there is something in the file that this does not know
            NONE
        }

        private fun of(file: ByteArray): InlinedLines {
            val map = String(file, Charsets.ISO_8859_1).substringAfter("SMAP\n", "")
            val calls = entries(map.substringAfter("*S KotlinDebug\n", ""))
            val source = entries(map).firstOrNull() ?: return NONE // the file itself, from its first line to its last
            if (calls.isEmpty()) return NONE
            val begin = source.lines.last + 1
            return InlinedLines(begin, calls, ClassFile(file).linesByFunction().mapNotNull { (function, lines) ->
                part(lines.filter { it >= begin }, calls)?.let { function to it }
            }.toMap())
        }

        /** Of the stratum that [map] begins with. */
        private fun entries(map: String): List<Call> =
            map.substringAfter("*L\n", "").substringBefore("*E").substringBefore("*S")
                .lineSequence().mapNotNull { ENTRY.matchEntire(it) }.map { it.toCall() }.toList()

        /** @param lines in the order of the code; those behind the end of the file */
        private fun part(lines: List<Int>, calls: List<Call>): Part? {
            fun callOf(line: Int) = calls.firstOrNull { line in it.lines }
            val first = lines.mapNotNull { callOf(it) }.minOfOrNull { it.lines.first } ?: return null
            val alien = lines.filter { it < first && callOf(it) == null }.distinct()
            if (alien.size > 1) return null // nothing is known that makes such code
            if (alien.isEmpty()) return Part(first, Int.MAX_VALUE)
            return Part(first, lines.takeWhile { it != alien.single() }.maxOfOrNull { it - first + 1 } ?: 0)
        }

        private fun MatchResult.toCall(): Call {
            val (source, count, first, perLine) = destructured
            val each = perLine.ifEmpty { "1" }.toInt()
            return Call(source.toInt(), first.toInt() until first.toInt() + count.ifEmpty { "1" }.toInt() * each, each)
        }
    }
}

/** The line numbers in a class file (JVMS 4). */
private class ClassFile(file: ByteArray) {

    private val input = DataInputStream(ByteArrayInputStream(file))
    private val names = HashMap<Int, String>()

    /** Of each function that has a name of its own. */
    fun linesByFunction(): Map<String, List<Int>> {
        input.skipNBytes(8) // magic, versions
        constants()
        input.skipNBytes(6) // access, this, super
        input.skipNBytes(2L * input.readUnsignedShort()) // interfaces
        members { skipAttribute() } // fields
        val lines = HashMap<String, MutableList<Int>>()
        val twice = HashSet<String>()
        members { function ->
            val attribute = names[input.readUnsignedShort()]
            val length = input.readInt()
            if (attribute != "Code") {
                input.skipNBytes(length.toLong())
            } else {
                if (function in lines) twice += function
                code(lines.getOrPut(function) { ArrayList() })
            }
        }
        return lines - twice
    }

    private fun constants() {
        val count = input.readUnsignedShort()
        var index = 1
        while (index < count) {
            when (val tag = input.readUnsignedByte()) {
                1 -> names[index] = input.readUTF()
                5, 6 -> { // they take two places
                    input.skipNBytes(8)
                    index++
                }
                7, 8, 16, 19, 20 -> input.skipNBytes(2)
                15 -> input.skipNBytes(3)
                3, 4, 9, 10, 11, 12, 17, 18 -> input.skipNBytes(4)
                else -> throw IOException("constant of an unknown kind: $tag")
            }
            index++
        }
    }

    private inline fun members(attribute: (member: String) -> Unit) {
        repeat(input.readUnsignedShort()) {
            input.skipNBytes(2) // access
            val name = names[input.readUnsignedShort()].orEmpty()
            input.skipNBytes(2) // descriptor
            repeat(input.readUnsignedShort()) { attribute(name) }
        }
    }

    private fun skipAttribute() {
        input.skipNBytes(2)
        input.skipNBytes(input.readInt().toLong())
    }

    private fun code(into: MutableList<Int>) {
        input.skipNBytes(4) // stack, locals
        input.skipNBytes(input.readInt().toLong())
        input.skipNBytes(8L * input.readUnsignedShort()) // exceptions
        repeat(input.readUnsignedShort()) {
            val attribute = names[input.readUnsignedShort()]
            val length = input.readInt()
            if (attribute != "LineNumberTable") {
                input.skipNBytes(length.toLong())
            } else {
                repeat(input.readUnsignedShort()) {
                    input.skipNBytes(2) // where
                    into += input.readUnsignedShort()
                }
            }
        }
    }
}
