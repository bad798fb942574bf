package io.netpark.samples.http

import io.netpark.http.Status
import io.netpark.samples.http.answers.HttpDate

/**
 * What tells one version of a file from another, and what requests demand of it (RFC 9110, 8.8 and 13).
 *
 * @param modifiedNanos since 1970
 */
internal class Validators(modifiedNanos: Long, size: Long) {

    /** A strong one: another for every version of the file, as far as the file system's clock tells them apart. */
    val tag: String = "\"%x-%x\"".format(modifiedNanos, size)

    private val modified = Math.floorDiv(modifiedNanos, 1_000_000_000L)

    val lastModified: String = HttpDate.text(modified)

    /**
     * Looks at a request's conditions in the order of RFC 9110, 13.2.2: a tag tells more than a time, and goes before it. A time
     * that is none counts as if it were not there.
     *
     * @return how the request is answered if they do not hold, or null if they do
     */
    fun check(fields: RequestFields): Status? {
        val unmodifiedSince = HttpDate.parse(fields.ifUnmodifiedSince)
        val modifiedSince = HttpDate.parse(fields.ifModifiedSince)
        val match = fields.ifMatch
        val noneMatch = fields.ifNoneMatch
        val isMeant = if (match != null) tag in tags(match) else unmodifiedSince == null || modified <= unmodifiedSince
        if (!isMeant) return Status.PRECONDITION_FAILED
        // Weak tags are as good as strong ones where nothing but equal content matters (13.1.2): they are for caches.
        val isNew =
            if (noneMatch != null) tags(noneMatch).none { it.removePrefix("W/") == tag }
            else modifiedSince == null || modified > modifiedSince
        return if (isNew) null else Status.NOT_MODIFIED
    }

    /** Whether a part is wanted though the client has only one of another version: then it gets the whole (13.1.5). */
    fun isOfThisVersion(ifRange: String?): Boolean = ifRange == null || ifRange == tag || ifRange == lastModified

    /** Those of a list; `*` means this one. No tag has a quote in it, so a piece of one that has a comma is no other's. */
    private fun tags(list: String): List<String> = if (list == "*") listOf(tag) else list.split(',').map { it.trim(' ', '\t') }
}
