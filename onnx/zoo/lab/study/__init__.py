"""The laboratory's study: many backbones, what each is truly worth on many tasks, and which score foretells it.

Stages, each resumable (docs/laboratory.md): pretrain -> features -> probe, finetune, scores -> evaluate.
Trained weights and finished facts live in `lab/facts` (committed); everything that is quick to make again, in
`lab/cache/study`.
"""
