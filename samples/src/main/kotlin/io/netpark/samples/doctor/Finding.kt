package io.netpark.samples.doctor

/** How much a finding matters. */
internal enum class Mark(val text: String) {
    OK("ok"),

    /** Netpark runs, but something could be better, or cannot be known. */
    NOTE("note"),

    /** Netpark cannot run. */
    PROBLEM("PROBLEM"),
}

/** What was found about one thing. */
internal data class Finding(
    /** What was looked at: a setting of the kernel by its name for sysctl. */
    val subject: String,
    val mark: Mark,
    /** What was found, in words. */
    val value: String,
    /** What to do about it, where something is to be done. */
    val action: String? = null,
    /** What was found, for programs: numbers, strings, lists; null for what is unknown. */
    val facts: Map<String, Any?> = emptyMap(),
)

/** What the recommendations are made for. */
internal const val CONNECTIONS = 100_000L

/** Each takes a descriptor; a tenth more is for files, loops, and connections that are coming and going. */
internal const val DESCRIPTORS = CONNECTIONS / 10 * 11
