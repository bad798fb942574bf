/**
 * What both halves of a connection share: its {@link io.netpark.callback.state.Limits limits}, how it
 * {@linkplain io.netpark.callback.state.Ending ends}, and its idle timeout. Inner classes, not for users.
 *
 * <p>This room uses {@code futures} only. It asks and tells the connection above through
 * {@link io.netpark.callback.state.StateOwner}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.state;
