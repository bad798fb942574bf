/**
 * What stream connections and message sockets with callbacks have in common. This room uses nothing of the other rooms here.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.socket;
