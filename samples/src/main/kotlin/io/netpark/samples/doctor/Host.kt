package io.netpark.samples.doctor

import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path

/** What the kernel tells in files, below [root]. Some are hidden in a container: what cannot be read is null. */
internal class Host(private val root: Path = Path.of("/")) {

    fun lines(path: String): List<String>? = try {
        // Not Files.readString: it asks for the first byte alone, and a sysctl file has no second part to read.
        Files.newBufferedReader(root.resolve(path)).use { it.readLines() }
    } catch (_: IOException) {
        null
    }

    fun line(path: String): String? = lines(path)?.firstOrNull()?.trim()

    /** What follows [key] and a colon, where that is first. */
    fun field(path: String, key: String): String? =
        lines(path)?.firstOrNull { it.substringBefore(':').trimEnd() == key }?.substringAfter(':')?.trim()

    fun sysctl(name: String): String? = line("proc/sys/" + name.replace('.', '/'))
}

