/** The echo sample: one server, written with coroutines and with callbacks. */
@org.jspecify.annotations.NullMarked
package io.netpark.samples.echo;
