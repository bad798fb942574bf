/**
 * The native seam: system calls by number and address, struct layouts, errno, and the choice of binding. Nothing
 * here knows what a connection is.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.sys;
