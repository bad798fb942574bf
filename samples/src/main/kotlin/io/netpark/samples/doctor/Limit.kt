package io.netpark.samples.doctor

/** A limit that is none: of those that the kernel gives as a number, the largest. */
internal const val UNLIMITED = Long.MAX_VALUE

/** What the kernel writes as a limit; null if this is not one. Some are the largest number of 64 bits without a sign. */
internal fun String.toLimit(): Long? =
    if (this == "unlimited" || this == "max") UNLIMITED
    else toULongOrNull()?.coerceAtMost(UNLIMITED.toULong())?.toLong()

/** For a human. */
internal fun limitText(limit: Long): String = if (limit == UNLIMITED) "unlimited" else "$limit"

/** For a program. */
internal fun limitFact(limit: Long?): Any? = if (limit == UNLIMITED) "unlimited" else limit
