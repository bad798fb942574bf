/** The chat sample's echo endpoint, by callbacks of a poller. */
@org.jspecify.annotations.NullMarked
package io.netpark.samples.chat;
