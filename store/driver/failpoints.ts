import { failpoint } from "../../base/failpoints/failpoint.ts";

/** etcd's names of the places in its raft loop, at ours. */
export const points = {
  beforeAdvance: failpoint("raftBeforeAdvance"),
  beforeSave: failpoint("raftBeforeSave"),
  afterSave: failpoint("raftAfterSave"),
  beforeSaveSnapshot: failpoint("raftBeforeSaveSnap"),
  afterSaveSnapshot: failpoint("raftAfterSaveSnap"),
  beforeApplySnapshot: failpoint("raftBeforeApplySnap"),
  afterApplySnapshot: failpoint("raftAfterApplySnap"),
  beforeMark: failpoint("raftBeforeWALSaveSnaphot"),
  afterRelease: failpoint("raftAfterWALRelease"),
  beforeLeaderSend: failpoint("raftBeforeLeaderSend"),
  beforeFollowerSend: failpoint("raftBeforeFollowerSend"),
  dropHeartbeat: failpoint("raftDropHeartbeat"),
};
