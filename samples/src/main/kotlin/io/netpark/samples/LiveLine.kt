package io.netpark.samples

import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path

/** What goes on now: one line that changes on a terminal, a line each time elsewhere. */
internal class LiveLine(val isTerminal: Boolean = standardOutputIsTerminal()) {

    /** Shows a line in place of the last. */
    fun show(line: String) {
        if (isTerminal) print("\r$line\u001b[K") else println(line)
    }

    /** Takes it away. */
    fun clear() {
        if (isTerminal) print("\r\u001b[K")
    }

    private companion object {
        /** From the kernel: System.console() says "yes" also to a pipe since JDK 22. */
        fun standardOutputIsTerminal(): Boolean = try {
            val target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString()
            target.startsWith("/dev/pts/") || target.startsWith("/dev/tty")
        } catch (_: IOException) {
            false
        }
    }
}
