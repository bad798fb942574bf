package io.netpark.callback.lifecycle;

import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/** What was added to be run when a connection is closed. Runs user code. */
@FunctionalInterface
public interface CloseAction {

    /** @param cause null for a normal end */
    void closed(@Nullable NetparkException cause) throws Exception;
}
