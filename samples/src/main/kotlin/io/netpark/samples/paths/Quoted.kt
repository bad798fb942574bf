package io.netpark.samples.paths

import java.nio.file.Path

private val PLAIN = Regex("[\\w./:+-]+")

/** As a shell reads it. */
internal fun Path.quoted(): String = toString().let { if (PLAIN.matches(it)) it else "'" + it.replace("'", "'\\''") + "'" }
